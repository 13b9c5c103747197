import { describe, expect, test } from '@jest/globals'
import { PASSWORD, register, signIn, signUp, signUpVerified, signUpWith } from '../../support/actors.ts'
import { actionsOf } from '../../support/audit.ts'
import { haveTotp } from '../../support/factors.ts'
import { templatesTo } from '../../support/mails.ts'
import {
  Login,
  Me,
  MyPasskeys,
  RemovePasskey,
  RemovePassword,
  RenamePasskey,
} from '../../support/operations.ts'
import { addPasskey, havePasskey, passkeyLogin } from '../../support/passkeys.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService()

const UNKNOWN_ID = '00000000-0000-7000-8000-000000000000'

/** An account with passkeys, signed in with the first of them, and optionally without a password. */
async function signUpWithPasskeys(count = 1, { password = true } = {}) {
  const account = await signUpVerified(service)
  const authenticators = []
  for (let each = 0; each < count; each++) authenticators.push(await havePasskey(service, account.id))
  if (!password) await service.app.db.user.update({ where: { id: account.id }, data: { passwordHash: null } })
  const [first] = authenticators
  if (!first) throw new Error('no passkey')
  const { data, errors } = await passkeyLogin(service, first)
  if (data?.loginWithPasskey.__typename !== 'AuthPayload') throw new Error(JSON.stringify(errors))
  const rows = await service.app.db.passkey.findMany({
    where: { userId: account.id },
    orderBy: { id: 'asc' },
  })
  const { accessToken } = data.loginWithPasskey
  return { ...account, authenticators, ids: rows.map(({ id }) => id), token: accessToken }
}

describe('renaming', () => {
  test('changes the name that the list shows', async () => {
    const { ids, token, id: userId } = await signUpWithPasskeys()
    const { data } = await service.send(RenamePasskey, { id: ids[0]!, name: ' Work laptop ' }, { token })
    expect(data?.renamePasskey).toEqual({ id: ids[0], name: 'Work laptop' })
    const me = await service.send(MyPasskeys, {}, { token })
    expect(me.data?.me?.passkeys).toMatchObject([{ name: 'Work laptop' }])
    expect(await actionsOf(service, userId)).toContain('factor.renamed')
  })

  test('refuses an empty or too long name, and passkeys of others', async () => {
    const { ids, token } = await signUpWithPasskeys()
    const other = await signUpWithPasskeys()
    const rename = (id: string, name: string) => service.send(RenamePasskey, { id, name }, { token })
    expect((await rename(ids[0]!, ' ')).errors[0]?.extensions.fields).toEqual({
      'passkey.name': ['Enter a name.'],
    })
    expect(codes(await rename(ids[0]!, 'x'.repeat(101)))).toEqual(['BAD_USER_INPUT'])
    for (const id of [other.ids[0]!, UNKNOWN_ID, 'x']) {
      expect(codes(await rename(id, 'Mine'))).toEqual(['NOT_FOUND'])
    }
  })
})

describe('removing a passkey', () => {
  test('ends what it could do, and the other sessions, and notifies the owner', async () => {
    const { id, email, ids, token, authenticators, accessToken: other } = await signUpWithPasskeys()
    const { data, errors } = await service.send(RemovePasskey, { id: ids[0]! }, { token })
    expect(errors).toEqual([])
    expect(data?.removePasskey).toEqual({ id, passkeys: [] })
    const reply = await passkeyLogin(service, authenticators[0]!)
    expect(reply.errors[0]?.extensions).toMatchObject({ code: 'PASSKEY_INVALID', reason: 'UNKNOWN' })
    expect(codes(await service.send(Me, {}, { token: other }))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await service.send(Me, {}, { token }))).toEqual([])
    expect(await templatesTo(service, email)).toContain('factor-removed')
  })

  test('takes a passkey or a second factor, so a thief of the session or of the password can’t', async () => {
    const { ids, email } = await signUpWithPasskeys()
    const thief = await signIn(service, email)
    const reply = await service.send(RemovePasskey, { id: ids[0]! }, { token: thief.accessToken })
    expect(reply.errors[0]?.extensions).toMatchObject({
      code: 'STEP_UP_REQUIRED',
      accepts: expect.arrayContaining([['PASSKEY']]),
    })
  })

  test('of someone else is NOT_FOUND', async () => {
    const [ada, eve] = [await signUpWithPasskeys(), await signUpWithPasskeys()]
    for (const id of [ada.ids[0]!, UNKNOWN_ID, 'x']) {
      expect(codes(await service.send(RemovePasskey, { id }, { token: eve.token }))).toEqual(['NOT_FOUND'])
    }
    expect(codes(await service.send(RemovePasskey, { id: ada.ids[0]! }))).toEqual(['UNAUTHENTICATED'])
  })

  test('is a CONFLICT for the last way to sign in; a security key is none', async () => {
    const { id, ids, token } = await signUpWithPasskeys(1, { password: false })
    await havePasskey(service, id, { discoverable: false })
    const { errors } = await service.send(RemovePasskey, { id: ids[0]! }, { token })
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining('only way'),
      extensions: { code: 'CONFLICT' },
    })
    expect(await service.app.db.passkey.count({ where: { userId: id } })).toBe(2)
  })

  test('twice at the same time leaves one: the other removal is a CONFLICT', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, ids, token } = await signUpWithPasskeys(2, { password: false })
      const replies = await Promise.all(
        ids.map(passkeyId => service.send(RemovePasskey, { id: passkeyId }, { token })),
      )
      expect(replies.flatMap(codes)).toEqual(['CONFLICT'])
      expect(await service.app.db.passkey.count({ where: { userId: id } })).toBe(1)
    }
  })

  test('is a CONFLICT for the last factor that a role demands', async () => {
    const account = await signUpWith(service)
    const name = `role-${crypto.randomUUID()}`.slice(0, 32)
    await service.app.db.role.create({
      data: { name, permissions: [], secondFactorRequiredFrom: service.clock.now() },
    })
    await service.app.db.userRole.create({ data: { userId: account.id, roleName: name } })
    const authenticator = await havePasskey(service, account.id)
    const { data } = await passkeyLogin(service, authenticator)
    if (data?.loginWithPasskey.__typename !== 'AuthPayload') throw new Error('not signed in')
    const [passkey] = await service.app.db.passkey.findMany({ where: { userId: account.id } })
    const token = data.loginWithPasskey.accessToken
    expect(codes(await service.send(RemovePasskey, { id: passkey!.id }, { token }))).toEqual(['CONFLICT'])
  })
})

describe('removing the password', () => {
  test('leaves the passkey as the way in, ends other sessions and notifies the owner', async () => {
    const { id, email, token, authenticators, accessToken: other } = await signUpWithPasskeys()
    const { data, errors } = await service.send(RemovePassword, {}, { token })
    expect(errors).toEqual([])
    expect(data?.removePassword).toEqual({ id, hasPassword: false })
    const input = { identifier: email, password: PASSWORD }
    expect(codes(await service.send(Login, { input }))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await service.send(Me, {}, { token: other }))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await passkeyLogin(service, authenticators[0]!))).toEqual([])
    expect(await templatesTo(service, email)).toContain('password-removed')
    expect(codes(await service.send(RemovePassword, {}, { token }))).toEqual(['CONFLICT'])
  })

  test('is a CONFLICT without a passkey; a security key is no way in', async () => {
    const account = await signUp(service)
    expect(codes(await service.send(RemovePassword, {}, { token: account.accessToken }))).toEqual([
      'CONFLICT',
    ])
    const { id, token, ids } = await signUpWithPasskeys()
    await service.app.db.passkey.updateMany({ where: { id: ids[0]! }, data: { discoverable: false } })
    expect(codes(await service.send(RemovePassword, {}, { token }))).toEqual(['CONFLICT'])
    expect((await service.app.db.user.findUnique({ where: { id } }))?.passwordHash).not.toBeNull()
  })

  test('and the last passkey at the same time leaves one of them', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, ids, token } = await signUpWithPasskeys()
      const replies = await Promise.all([
        service.send(RemovePassword, {}, { token }),
        service.send(RemovePasskey, { id: ids[0]! }, { token }),
      ])
      expect(replies.flatMap(codes)).toEqual(['CONFLICT'])
      const user = await service.app.db.user.findUnique({ where: { id }, include: { passkeys: true } })
      expect([user?.passwordHash !== null, user?.passkeys.length]).not.toEqual([false, 0])
    }
  })

  test('takes a passkey or a second factor', async () => {
    const { email } = await signUpWithPasskeys()
    const thief = await signIn(service, email)
    expect(codes(await service.send(RemovePassword, {}, { token: thief.accessToken }))).toEqual([
      'STEP_UP_REQUIRED',
    ])
  })
})

test('the passkeys of an account are visible to its owner and to holders of users:read only', async () => {
  const { id } = await signUpWithPasskeys()
  const query = `query ($id: ID!) { user(id: $id) { passkeys { id } } }`
  const [eve, admin] = [await signUp(service), await signUpWith(service, 'admin')]
  expect(codes(await service.send(query, { id }, { token: eve.accessToken }))).toEqual(['FORBIDDEN'])
  const { data } = await service.send<{ user: { passkeys: unknown[] } }, object>(
    query,
    { id },
    { token: admin.accessToken },
  )
  expect(data?.user.passkeys).toHaveLength(1)
})

test('deleting an account deletes its passkeys', async () => {
  const { data } = await register(service)
  const account = data?.register
  if (account?.__typename !== 'AuthPayload') throw new Error('not registered')
  await addPasskey(service, account)
  await haveTotp(service, account.user.id)
  await service.app.db.user.delete({ where: { id: account.user.id } })
  expect(await service.app.db.passkey.count({ where: { userId: account.user.id } })).toBe(0)
})
