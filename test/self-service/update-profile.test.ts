import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { PASSWORD, type SignedIn, signUp } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { Me, Register, UpdateProfile } from '../support/operations.ts'
import { refusedFields } from '../support/refused.ts'
import { codes, useService } from '../support/service.ts'

const service = useService()

const update = ({ accessToken: token }: SignedIn, input: Record<string, unknown>) =>
  service.send(UpdateProfile as DocumentNode, { input }, { token })

const meOf = async ({ accessToken: token }: SignedIn) => (await service.send(Me, {}, { token })).data?.me

let count = 0
const FULL = () => ({ displayName: 'Ada L.', username: `ada_${++count}`, locale: 'ko' })

async function signUpWhole(): Promise<SignedIn & ReturnType<typeof FULL>> {
  const full = FULL()
  const account = await signUp(service)
  expect(codes(await update(account, full))).toEqual([])
  return { ...account, ...full }
}

test('all fields of the profile can change together, and updatedAt is set', async () => {
  const account = await signUp(service)
  const before = await meOf(account)
  service.clock.advance(60)
  const { data, errors } = await service.send(
    UpdateProfile,
    { input: { displayName: ' Ada Lovelace ', username: ' Countess_Ada ', locale: 'pt-br' } },
    { token: account.accessToken },
  )
  expect(errors).toEqual([])
  const changed = { displayName: 'Ada Lovelace', username: 'countess_ada', locale: 'pt-BR' }
  expect(data?.updateProfile).toMatchObject(changed)
  const updatedAt = data?.updateProfile.updatedAt ?? ''
  expect(Date.parse(updatedAt) - Date.parse(before?.updatedAt ?? '')).toBeGreaterThanOrEqual(60_000)
  expect(await meOf(account)).toEqual({ ...before, ...changed, updatedAt })
})

describe('in a profile', () => {
  test.each([
    ['nothing', {}, {}],
    ['the display name alone', { displayName: 'Ada' }, { displayName: 'Ada' }],
    ['the language alone', { locale: 'de' }, { locale: 'de' }],
    ['the display name, cleared by null', { displayName: null }, { displayName: null }],
    ['the display name, cleared by spaces', { displayName: '  ' }, { displayName: null }],
    ['the username, cleared by null', { username: null }, { username: null }],
    ['nothing, for a language of null,', { locale: null }, {}],
  ])('%s changes, and the rest stays the same', async (_, input, changed) => {
    const account = await signUpWhole()
    const before = await meOf(account)
    expect(codes(await update(account, input))).toEqual([])
    expect(await meOf(account)).toEqual({ ...before, ...changed, updatedAt: expect.any(String) })
  })
})

test.each([
  [
    'displayName',
    ['a'.repeat(101), 'Ada\nLovelace', 'Ada\u2028Lovelace', 'Ada\u0000', 'Ada\u202Egro.live', 7],
  ],
  ['username', ['', 'ab', 'a'.repeat(33), 'ada lovelace', 'ada@home', 'adä', 7]],
  ['locale', ['', 'not a tag', 'en_US', 7]],
] as [string, unknown[]][])(
  'an invalid %s is rejected by field and changes nothing',
  async (field, values) => {
    const account = await signUpWhole()
    const before = await meOf(account)
    for (const value of values) {
      const input = { displayName: 'Another name', [field]: value }
      expect(Object.keys(refusedFields(await update(account, input)))).toEqual([`input.${field}`])
    }
    expect(await meOf(account)).toEqual(before)
  },
)

test('fields outside the profile cannot be changed', async () => {
  const account = await signUp(service)
  for (const field of ['email', 'roles', 'id', 'emailVerified', 'passwordHash']) {
    expect(refusedFields(await update(account, { [field]: 'x' }))).toEqual({
      input: [`UpdateProfileInput has no field ${field}.`],
    })
  }
})

test('the username of another account is USERNAME_TAKEN regardless of case, and changes nothing', async () => {
  const { username } = await signUpWhole()
  const account = await signUpWhole()
  const before = await meOf(account)
  const reply = await update(account, { username: username.toUpperCase(), displayName: 'Another name' })
  expect(reply.errors).toMatchObject([{ extensions: { code: 'USERNAME_TAKEN', field: 'username' } }])
  expect(reply.data).toBeNull()
  expect(await meOf(account)).toEqual(before)
})

test('your own username is accepted, and a username that was removed is free again', async () => {
  const one = await signUpWhole()
  expect(codes(await update(one, { username: one.username.toUpperCase() }))).toEqual([])
  await update(one, { username: null })
  expect(codes(await update(await signUp(service), { username: one.username }))).toEqual([])
})

test('of 10 changes and 10 registrations with one username, one succeeds', async () => {
  const accounts = await Promise.all(Array.from({ length: 10 }, () => signUp(service)))
  const username = 'everybodys_darling'
  const replies = await Promise.all([
    ...accounts.map(account => update(account, { username: username.toUpperCase() })),
    ...accounts.map(({ email }) =>
      service.send(Register, { input: { email: `new.${email}`, username, password: PASSWORD } }),
    ),
  ])
  expect(replies.flatMap(codes)).toEqual(Array(19).fill('USERNAME_TAKEN'))
  expect(await service.app.db.user.count({ where: { username } })).toBe(1)
})

test('a change is recorded with the names of its fields, not their values', async () => {
  const account = await signUp(service)
  await update(account, { displayName: 'Canary Yellow', locale: 'de' })
  const event = (await auditOf(service, account.id)).at(-1)
  expect(event).toMatchObject({
    action: 'user.profile_updated',
    actorId: account.id,
    detail: { fields: ['displayName', 'locale'] },
  })
  expect(JSON.stringify(event)).not.toContain('Canary')
})
