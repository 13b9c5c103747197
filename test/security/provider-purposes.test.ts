import { describe, expect, test } from '@jest/globals'
import { type SignedIn, signUpVerified } from '../support/actors.ts'
import {
  CompleteProviderLink,
  CompleteProviderReauthentication,
  CompleteProviderSignIn,
} from '../support/operations.ts'
import { completeLink, confirmCode, linkCode } from '../support/provider-link.ts'
import { codeFor, signInWith, someone, useProviders } from '../support/provider-sign-in.ts'
import { codes } from '../support/service.ts'

const { service, fake } = useProviders()

/** An account and one of its people at the provider. */
async function known() {
  const account = await signUpVerified(service)
  const person = someone()
  const linked = await completeLink(service, account, await linkCode(service, fake, account, person))
  expect(codes(linked)).toEqual([])
  return { account, person }
}

const begin = {
  'sign-in': (_: SignedIn, person: ReturnType<typeof someone>) => codeFor(service, fake, person),
  link: (account: SignedIn) => linkCode(service, fake, account, someone()),
  reauthentication: (account: SignedIn, person: ReturnType<typeof someone>) =>
    confirmCode(service, fake, account, person),
}
const complete = {
  'sign-in': CompleteProviderSignIn,
  link: CompleteProviderLink,
  reauthentication: CompleteProviderReauthentication,
}
type Purpose = keyof typeof begin
const purposes = Object.keys(begin) as Purpose[]
const others = purposes.flatMap(one =>
  purposes.filter(other => other !== one).map(other => [one, other] as const),
)

describe('a code of one purpose is TOKEN_INVALID for another, which changes nothing:', () => {
  test.each(others)('of a %s for a %s', async (own, other) => {
    const { account, person } = await known()
    const input = await begin[own](account, person)
    const sessions = await service.app.db.session.findMany({ where: { userId: account.id } })
    const token = account.accessToken
    expect(codes(await service.send(complete[other], { input }, { token }))).toEqual(['TOKEN_INVALID'])
    expect(await service.app.db.session.findMany({ where: { userId: account.id } })).toEqual(sessions)
    expect(await service.app.db.identity.count({ where: { userId: account.id } })).toBe(1)
    expect(codes(await service.send(complete[own], { input }, { token }))).toEqual([])
  })
})

test('a person who signs in at the provider in a flow that a stranger began connects nothing to the stranger', async () => {
  const { account: stranger } = await known()
  const { account: victim, person } = await known()
  const taken = await linkCode(service, fake, stranger, person)
  expect(codes(await completeLink(service, stranger, taken))).toEqual(['IDENTITY_TAKEN'])
  const fresh = await linkCode(service, fake, stranger, someone())
  expect(codes(await completeLink(service, victim, fresh))).toEqual(['TOKEN_INVALID'])
  expect(await service.app.db.identity.count({ where: { userId: victim.id } })).toBe(1)
})

test('an identity that was disconnected neither confirms a session nor signs in to the account', async () => {
  const { account, person } = await known()
  const input = await confirmCode(service, fake, account, person)
  await service.app.db.identity.deleteMany({ where: { userId: account.id } })
  const token = account.accessToken
  const confirmed = await service.send(CompleteProviderReauthentication, { input }, { token })
  expect(codes(confirmed)).toEqual(['INVALID_CREDENTIALS'])
  const result = await signInWith(service, fake, person)
  expect(result).toMatchObject({ __typename: 'AuthPayload' })
  expect(result.__typename === 'AuthPayload' && result.user.id).not.toBe(account.id)
})
