import { expect, test } from '@jest/globals'
import { decideIdentity, type IdentityFacts } from '../../src/sign-in/decide-identity.ts'

type Found = NonNullable<IdentityFacts['account']>

const verified: Found = {
  verified: true,
  hasSecondFactor: false,
  hasPermission: false,
  hasOpenUndo: false,
}
const unverified: Found = { ...verified, verified: false }
const decide = (facts: Partial<IdentityFacts>) =>
  decideIdentity({ known: false, trust: 'authoritative', account: undefined, linking: 'auto', ...facts })

const trusts = ['authoritative', 'verified', 'never'] as const
const relied = ['authoritative', 'verified'] as const
const accounts: [string, Found | undefined][] = [
  ['no account', undefined],
  ['a verified account', verified],
  ['an unverified account', unverified],
  ['an account with a permission', { ...verified, hasPermission: true }],
]

test.each(trusts.flatMap(trust => accounts.map(([name, account]) => ({ trust, name, account }))))(
  'a known identity signs in to its account, whatever its address ($trust) says about $name',
  ({ trust, account }) => {
    expect(decide({ known: true, trust, account })).toBe('sign-in')
    expect(decide({ known: true, trust, account, linking: 'ask' })).toBe('sign-in')
  },
)

test.each(relied)('a new identity with a %s address without an account creates one', trust => {
  expect(decide({ trust })).toBe('create')
  expect(decide({ trust, linking: 'ask' })).toBe('create')
})

test('a new identity joins a verified account only if the provider is the authority for the address', () => {
  expect(decide({ trust: 'authoritative', account: verified })).toBe('link')
  expect(decide({ trust: 'verified', account: verified })).toBe('ask-to-link')
})

test.each([
  ['a second factor', { hasSecondFactor: true }],
  ['a permission', { hasPermission: true }],
])('a new identity never joins an account with %s by its address', (_name, more) => {
  expect(decide({ account: { ...verified, ...more } })).toBe('ask-to-link')
})

test('with PROVIDER_LINKING=ask, a new identity joins no account by its address', () => {
  expect(decide({ account: verified, linking: 'ask' })).toBe('ask-to-link')
})

test.each(relied)('the owner of a %s address takes over an unverified account', trust => {
  expect(decide({ trust, account: unverified })).toBe('take-over')
  // What a squatter set up does not keep the owner out.
  expect(decide({ trust, account: { ...unverified, hasSecondFactor: true } })).toBe('take-over')
  expect(decide({ trust, account: unverified, linking: 'ask' })).toBe('take-over')
})

test.each([
  ['a permission', { hasPermission: true }],
  ['a former address that can undo the change', { hasOpenUndo: true }],
])('an unverified account with %s is not taken over by its address', (_name, more) => {
  expect(decide({ account: { ...unverified, ...more } })).toBe('ask-to-link')
})

test.each(accounts)('an address that is not relied on is treated alike with %s', (_name, account) => {
  expect(decide({ trust: 'never', account })).toBe('ask-for-address')
})

const flags = [false, true]
const everyAccount = flags.flatMap(hasSecondFactor =>
  flags.flatMap(hasPermission => flags.map(hasOpenUndo => ({ hasSecondFactor, hasPermission, hasOpenUndo }))),
)

test('nothing is ever linked to an unverified account', () => {
  for (const trust of trusts)
    for (const linking of ['auto', 'ask'] as const)
      for (const account of everyAccount)
        expect(decide({ trust, linking, account: { ...account, verified: false } })).not.toBe('link')
})

test('no unknown identity ever signs in without an account of its own', () => {
  for (const trust of trusts)
    for (const [, account] of accounts) expect(decide({ trust, account })).not.toBe('sign-in')
})
