import { describe, expect, test } from '@jest/globals'
import { PASSWORD, signIn, signUp } from '../../support/actors.ts'
import { CHEAP_HASH, foreignHashes } from '../../support/foreign-hashes.ts'
import { ChangePassword, Login, Me, Reauthenticate } from '../../support/operations.ts'
import { whileProving } from '../../support/proving.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService({ settings: { HASH_WAIT_MS: '20000' } })

/** An account with a hash of another system. */
async function movedIn(passwordHash = CHEAP_HASH) {
  const account = await signUp(service)
  await service.app.db.user.update({ where: { id: account.id }, data: { passwordHash } })
  return account
}

const hashOf = async (id: string) =>
  (await service.app.db.user.findUniqueOrThrow({ where: { id } })).passwordHash

const login = (identifier: string, password = PASSWORD) =>
  service.send(Login, { input: { identifier, password } })

test.each(foreignHashes)(
  'the owner of an account imported with a hash by $by can sign in twice with the old password',
  async ({ hash }) => {
    const { id, email } = await movedIn(hash)
    expect(codes(await login(email, 'not the password'))).toEqual(['INVALID_CREDENTIALS'])
    expect(await hashOf(id)).toBe(hash)

    expect(codes(await login(email))).toEqual([])
    const renewed = await hashOf(id)
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
    expect(codes(await login(email))).toEqual([])
    expect(await hashOf(id)).toBe(renewed)
    expect(codes(await login(email, 'not the password'))).toEqual(['INVALID_CREDENTIALS'])
  },
)

test.each([
  // By hashlib.pbkdf2_hmac and argon2-cffi, of a password with a full-width A and a no-break space.
  'pbkdf2:sha256:1000$NaCl$117e83710f5ba80f446c311ccaa064b8631828b7071592cb478a523c5810999a',
  '$argon2id$v=19$m=64,t=2,p=1$U8KFj7i6uYzaPxSWC/98lQ$KRI6NRzvTpQzVoW6//rZJsM1plylq7L0dDHRd/0wuNA',
])(
  'a password that Unicode normalization changes works as typed in the old system, and on every keyboard after the first sign-in: %s',
  async hash => {
    const typed = 'Passw\u00f6rt \uff21\u00a0x 12'
    const { email } = await movedIn(hash)
    expect(codes(await login(email, typed.normalize('NFKC')))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await login(email, typed))).toEqual([])
    expect(codes(await login(email, typed.normalize('NFKC')))).toEqual([])
  },
)

test('two simultaneous first sign-ins both succeed, and one hash is kept', async () => {
  const { id, email } = await movedIn()
  const replies = await Promise.all([login(email), login(email), login(email)])
  expect(replies.flatMap(codes)).toEqual([])
  expect(await hashOf(id)).toMatch(/^\$argon2id\$/)
})

test('a password changed while its old hash is being replaced stays changed', async () => {
  const { id, email } = await movedIn()
  const passwordHash = await service.app.hasher.hash('eighteen copper kettles')
  const data = { passwordHash, credentialVersion: { increment: 1 } }
  const change = () => service.app.db.user.update({ where: { id }, data })
  expect(codes(await whileProving(service, change, () => login(email)))).toEqual(['INVALID_CREDENTIALS'])
  expect(await hashOf(id)).toBe(passwordHash)
})

describe('a session of an account with an old hash', () => {
  test('the owner can reauthenticate and change the password with an old hash', async () => {
    const { id, accessToken: token, email } = await movedIn()
    const proof = await service.send(Reauthenticate, { input: { password: PASSWORD } }, { token })
    expect(codes(proof)).toEqual([])
    const input = { currentPassword: PASSWORD, newPassword: 'eighteen copper kettles' }
    expect(codes(await service.send(ChangePassword, { input }, { token }))).toEqual([])
    expect(await hashOf(id)).toMatch(/^\$argon2id\$/)
    await signIn(service, email, 'eighteen copper kettles')
  })
})

test('an unreadable hash rejects every sign-in without an error', async () => {
  const { email, accessToken: token } = await movedIn('5f4dcc3b5aa765d61d8327deb882cf99')
  expect(codes(await login(email))).toEqual(['INVALID_CREDENTIALS'])
  expect((await service.send(Me, {}, { token })).data?.me?.email).toBe(email)
})
