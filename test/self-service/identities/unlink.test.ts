import { describe, expect, test } from '@jest/globals'
import { as, signUpVerified } from '../../support/actors.ts'
import { actionsOf } from '../../support/audit.ts'
import { templatesTo } from '../../support/mails.ts'
import { Me, SetUserRoles, UnlinkIdentity } from '../../support/operations.ts'
import { havePasskey } from '../../support/passkeys.ts'
import { completeLink, linkCode } from '../../support/provider-link.ts'
import { signedInWith, signInWith, someone, useProviders } from '../../support/provider-sign-in.ts'
import { meet } from '../../support/race.ts'
import { codes } from '../../support/service.ts'
import { refreshed } from '../../support/sessions.ts'

const { service, fake } = useProviders()

const unlink = (id: string, { accessToken: token }: { accessToken: string }) =>
  service.send(UnlinkIdentity, { id }, { token })
const left = (userId: string) => service.app.db.identity.count({ where: { userId } })

/** An account with a password and an identity, which has signed in elsewhere too. */
async function linked() {
  const account = await signUpVerified(service)
  const person = someone()
  const { data } = await completeLink(service, account, await linkCode(service, fake, account, person))
  return { ...account, person, identityId: data?.completeProviderLink.id ?? '' }
}

/** An account that only identities sign in to, as of a registration with a provider. */
async function withoutPassword(identities = 1) {
  const person = someone()
  const { user, accessToken } = await signedInWith(service, fake, person)
  for (let more = 1; more < identities; more++)
    await completeLink(service, { accessToken }, await linkCode(service, fake, { accessToken }, someone()))
  const rows = await service.app.db.identity.findMany({
    where: { userId: user.id },
    orderBy: { id: 'asc' },
  })
  return { id: user.id, email: user.email, accessToken, person, ids: rows.map(({ id }) => id) }
}

describe('disconnecting an identity', () => {
  test('ends what it could do and the other sessions, and notifies the owner', async () => {
    const account = await linked()
    const other = await signedInWith(service, fake, account.person)
    const { data, errors } = await unlink(account.identityId, account)
    expect([errors, data?.unlinkIdentity]).toEqual([[], { id: account.id, identities: [] }])
    expect(codes(await service.send(Me, {}, { token: other.accessToken }))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await service.send(Me, {}, as(account)))).toEqual([])
    const again = await signInWith(service, fake, account.person)
    expect(again).toMatchObject({ __typename: 'AuthPayload', user: { email: account.person.email } })
    expect(await templatesTo(service, account.email)).toContain('identity-removed')
    expect(await actionsOf(service, account.id)).toContain('identity.unlinked')
  })

  test('requires a recent sign-in, and is NOT_FOUND for those of others', async () => {
    const [ada, eve] = [await linked(), await linked()]
    for (const id of [ada.identityId, '00000000-0000-7000-8000-000000000000', 'x'])
      expect(codes(await unlink(id, eve))).toEqual(['NOT_FOUND'])
    expect(codes(await service.send(UnlinkIdentity, { id: ada.identityId }))).toEqual(['UNAUTHENTICATED'])
    service.clock.advance(601)
    const later = await refreshed(service, ada.refreshToken)
    const { errors } = await unlink(ada.identityId, later)
    expect(errors[0]?.extensions).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      accepts: [['PASSWORD'], ['PROVIDER']],
    })
    expect(await left(ada.id)).toBe(1)
  })

  test('is a CONFLICT for the last way to sign in, until there is another one', async () => {
    const account = await withoutPassword()
    expect(codes(await unlink(account.ids[0]!, account))).toEqual(['CONFLICT'])
    await havePasskey(service, account.id)
    const session = await service.app.db.session.findFirstOrThrow({ where: { userId: account.id } })
    const data = { passkeyAt: service.clock.now() }
    await service.app.db.session.update({ where: { id: session.id }, data })
    expect(codes(await unlink(account.ids[0]!, account))).toEqual([])
  })

  test('twice at the same time leaves one: the other is a CONFLICT', async () => {
    for (let round = 0; round < 3; round++) {
      const account = await withoutPassword(2)
      const [one = '', two = ''] = account.ids
      const met = await meet(
        service,
        { table: 'users', id: account.id },
        () => unlink(one, account),
        () => unlink(two, account),
      )
      expect(met.map(codes)).toEqual([[], ['CONFLICT']])
      expect(await left(account.id)).toBe(1)
    }
  })

  test('of the last administrator, while another one is demoted, leaves an administrator who can sign in', async () => {
    const [ada, grace] = [await withoutPassword(2), await withoutPassword()]
    await service.app.db.userRole.deleteMany({ where: { roleName: 'admin' } })
    for (const { id } of [ada, grace])
      await service.app.db.userRole.create({ data: { userId: id, roleName: 'admin' } })
    const demote = (id: string) => service.send(SetUserRoles, { id, roles: ['user'] }, as(ada))
    const [first, second] = await Promise.all([demote(grace.id), unlink(ada.ids[0]!, ada)])
    expect([...codes(first), ...codes(second)]).toEqual([])
    expect(codes(await unlink(ada.ids[1]!, ada))).toEqual(['CONFLICT'])
    expect(codes(await demote(ada.id))).toEqual(['CONFLICT'])
  })
})
