import { describe, expect, test } from '@jest/globals'
import { PASSWORD, signIn, signUp, signUpVerified, signUpWith } from '../../support/actors.ts'
import { actionsOf } from '../../support/audit.ts'
import { templatesTo } from '../../support/mails.ts'
import { Login, Me, MyPasskeys, RemovePassword, RenamePasskey } from '../../support/operations.ts'
import { havePasskey, passkeyLogin } from '../../support/passkeys.ts'
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

describe('removing the password', () => {
  test('leaves the passkey as the way in, ends other sessions and notifies the owner', async () => {
    const { id, email, token, authenticators, accessToken: other } = await signUpWithPasskeys()
    const { data, errors } = await service.send(RemovePassword, {}, { token })
    expect(errors).toEqual([])
    expect(data?.removePassword).toEqual({ id, passwordChangedAt: null })
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
