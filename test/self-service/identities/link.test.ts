import { describe, expect, test } from '@jest/globals'
import { signIn, signUp, signUpVerified } from '../../support/actors.ts'
import { actionsOf } from '../../support/audit.ts'
import { mailedToken, templatesTo } from '../../support/mails.ts'
import {
  LinkIdentity,
  RequestPasswordReset,
  ResetPassword,
  StartProviderLink,
  UnlinkIdentity,
} from '../../support/operations.ts'
import { completeLink, linkCode, startAs } from '../../support/provider-link.ts'
import { complete, signedInWith, signInWith, someone, useProviders } from '../../support/provider-sign-in.ts'
import { meet } from '../../support/race.ts'
import { codes, type ErrorFacts } from '../../support/service.ts'
import { refreshed } from '../../support/sessions.ts'

const { service, fake } = useProviders()

const identitiesOf = (userId: string) => service.app.db.identity.findMany({ where: { userId } })

describe('connecting an identity', () => {
  test('lets it sign in to the account, whatever its address, and notifies the owner', async () => {
    const account = await signUpVerified(service)
    const person = someone()
    const { data, errors } = await completeLink(
      service,
      account,
      await linkCode(service, fake, account, person, 'corp'),
    )
    expect(errors).toEqual([])
    expect(data?.completeProviderLink).toMatchObject({
      provider: 'corp',
      displayName: 'Ada',
      email: person.email,
    })
    const { user } = await signedInWith(service, fake, person, 'corp')
    expect(user).toMatchObject({ id: account.id, email: account.email })
    expect(await templatesTo(service, account.email)).toContain('identity-added')
    expect(await actionsOf(service, account.id)).toContain('identity.linked')
  })

  test('requires a recent sign-in and a verified address', async () => {
    const account = await signUpVerified(service)
    service.clock.advance(601)
    const later = await refreshed(service, account.refreshToken)
    const start = async (who: { accessToken: string }) =>
      codes((await startAs(service, StartProviderLink, who)).reply)
    expect(await start(later)).toEqual(['REAUTHENTICATION_REQUIRED'])
    expect(await start(await signUp(service))).toEqual(['EMAIL_NOT_VERIFIED'])
    expect(await start({ accessToken: 'none' })).toEqual(['UNAUTHENTICATED'])
  })

  test('is up to the session that began it: another session and another account can’t', async () => {
    const account = await signUpVerified(service)
    const input = await linkCode(service, fake, account, someone())
    const [other, eve] = [await signIn(service, account.email), await signUpVerified(service)]
    for (const who of [other, eve])
      expect(codes(await completeLink(service, who, input))).toEqual(['TOKEN_INVALID'])
    expect(codes(await complete(service, input))).toEqual(['TOKEN_INVALID'])
    expect(await identitiesOf(account.id)).toEqual([])
    expect(codes(await completeLink(service, account, input))).toEqual([])
  })

  test('of another account is IDENTITY_TAKEN; one’s own is no problem', async () => {
    const person = someone()
    await signedInWith(service, fake, person)
    const account = await signUpVerified(service)
    expect(
      codes(await completeLink(service, account, await linkCode(service, fake, account, person))),
    ).toEqual(['IDENTITY_TAKEN'])
    const own = someone()
    const first = await completeLink(service, account, await linkCode(service, fake, account, own))
    const again = await completeLink(service, account, await linkCode(service, fake, account, own))
    expect(again.data?.completeProviderLink.id).toBe(first.data?.completeProviderLink.id)
    expect(await identitiesOf(account.id)).toHaveLength(1)
  })

  test('many times at the same time, and after a lost answer, connects it once', async () => {
    const account = await signUpVerified(service)
    const input = await linkCode(service, fake, account, someone())
    const replies = await Promise.all(Array.from({ length: 6 }, () => completeLink(service, account, input)))
    const ids = new Set(replies.map(({ data }) => data?.completeProviderLink.id))
    expect(ids.size).toBe(1)
    service.clock.advance(50)
    const again = await completeLink(service, account, input)
    expect(ids).toContain(again.data?.completeProviderLink.id)
    service.clock.advance(11)
    expect(codes(await completeLink(service, account, input))).toEqual(['TOKEN_INVALID'])
    expect(await identitiesOf(account.id)).toHaveLength(1)
  })

  test('by two accounts at the same time: one gets it, the other IDENTITY_TAKEN', async () => {
    const [ada, eve] = [await signUpVerified(service), await signUpVerified(service)]
    const person = someone()
    const inputs = [
      await linkCode(service, fake, ada, person),
      await linkCode(service, fake, eve, person),
    ] as const
    const replies = await Promise.all([
      completeLink(service, ada, inputs[0]),
      completeLink(service, eve, inputs[1]),
    ])
    expect(replies.flatMap(codes)).toEqual(['IDENTITY_TAKEN'])
  })

  test('that meets a password reset in the database leaves no identity to the thief of a session', async () => {
    const account = await signUpVerified(service)
    const input = await linkCode(service, fake, account, someone())
    await service.send(RequestPasswordReset, { input: { email: account.email } })
    const token = await mailedToken(service, account.email, 'reset-password')
    const reset = () =>
      service.send(ResetPassword, { input: { token, newPassword: 'eighteen copper kettles' } })
    const linking = () => completeLink(service, account, input)
    const row = { table: 'users', id: account.id } as const
    const [first, second] = await meet<{ errors: ErrorFacts[] }, { errors: ErrorFacts[] }>(
      service,
      row,
      reset,
      linking,
    )
    expect([codes(first), codes(second)]).toEqual([[], ['CONFLICT']])
    expect(await identitiesOf(account.id)).toEqual([])
  })
})

describe('the ticket of a sign-in that found an account with its address', () => {
  async function asked() {
    const account = await signUpVerified(service)
    const person = someone({ email: account.email })
    const result = await signInWith(service, fake, person, 'verifying')
    if (result.__typename !== 'ProviderLinkRequired') throw new Error(result.__typename)
    return { account, person, ticket: result.ticket }
  }
  const link = (ticket: string, { accessToken: token }: { accessToken: string }) =>
    service.send(LinkIdentity, { input: { ticket } }, { token })

  test('connects the identity once the owner has signed in, and can be repeated', async () => {
    const { account, person, ticket } = await asked()
    const { data, errors } = await link(ticket, account)
    expect([errors, data?.linkIdentity]).toMatchObject([[], { provider: 'verifying' }])
    expect((await link(ticket, account)).data?.linkIdentity.id).toBe(data?.linkIdentity.id)
    expect((await signedInWith(service, fake, person, 'verifying')).user.id).toBe(account.id)
  })

  test('is only for that account, and for a recent sign-in', async () => {
    const { account, ticket } = await asked()
    expect(codes(await link(ticket, await signUpVerified(service)))).toEqual(['CONFLICT'])
    expect(codes(await link('x', account))).toEqual(['TOKEN_INVALID'])
    expect(codes(await service.send(LinkIdentity, { input: { ticket } }))).toEqual(['UNAUTHENTICATED'])
    service.clock.advance(601)
    expect(codes(await link(ticket, await refreshed(service, account.refreshToken)))).toEqual([
      'REAUTHENTICATION_REQUIRED',
    ])
    expect(await identitiesOf(account.id)).toEqual([])
  })

  test('connects nothing again after the identity was disconnected', async () => {
    const { account, ticket } = await asked()
    const { data } = await link(ticket, account)
    const id = data?.linkIdentity.id ?? ''
    expect(codes(await service.send(UnlinkIdentity, { id }, { token: account.accessToken }))).toEqual([])
    expect(codes(await link(ticket, account))).toEqual(['TOKEN_INVALID'])
    expect(await identitiesOf(account.id)).toEqual([])
  })

  test('expires after an hour', async () => {
    const { account, ticket } = await asked()
    service.clock.advance(3601)
    const again = await signIn(service, account.email)
    expect(codes(await link(ticket, again))).toEqual(['TOKEN_INVALID'])
  })

  test('also connects an identity without an address that counts, to any account of its owner', async () => {
    const result = await signInWith(service, fake, someone(), 'corp')
    if (result.__typename !== 'ProviderSignUpRequired') throw new Error(result.__typename)
    const account = await signUpVerified(service)
    expect(codes(await link(result.ticket, account))).toEqual([])
    const other = await signUpVerified(service)
    expect(codes(await link(result.ticket, other))).toEqual(['IDENTITY_TAKEN'])
  })
})
