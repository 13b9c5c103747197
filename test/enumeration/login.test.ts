import { expect, test } from '@jest/globals'
import { login, newAddress, newUsername, PASSWORD, signUp } from '../support/actors.ts'
import { Login } from '../support/operations.ts'
import { watchQueries } from '../support/queries.ts'
import { codes, startService, useService } from '../support/service.ts'

const service = useService()
const guess = (identifier: string, on = service) => login(on, { identifier, password: 'wrong' })

/** One identifier of each kind. A stranger must not be able to tell them apart. */
async function names() {
  const [known, disabled, hashless] = [await signUp(service), await signUp(service), await signUp(service)]
  const users = service.app.db.user
  await users.update({ where: { id: disabled.id }, data: { disabledAt: service.clock.now() } })
  await users.update({ where: { id: hashless.id }, data: { passwordHash: null } })
  return [newAddress(), known.email, disabled.email, hashless.email]
}

test('unknown, existing, disabled and passwordless accounts get the same answer after the same work in the same order', async () => {
  const { hasher } = service.app
  const verify = hasher.verify.bind(hasher)
  const steps: string[] = []
  hasher.verify = (...args) => {
    steps.push('verify')
    return verify(...args)
  }
  const all = await names()
  const stop = watchQueries(service.app, name => steps.push(name ?? ''))
  try {
    for (const name of all) {
      const { status, data, errors, headers } = await guess(name)
      expect([status, data, errors, headers.get('content-length')]).toEqual([
        200,
        null,
        [expect.objectContaining({ extensions: { code: 'INVALID_CREDENTIALS' } })],
        expect.any(String),
      ])
      expect(steps.splice(0).slice(0, 2)).toEqual(['limit-count-user-by-email_canonical', 'verify'])
    }
  } finally {
    hasher.verify = verify
    stop()
  }
})

test('attempts with one name of an account reveal nothing about its other name', async () => {
  const settings = { LIMIT_LOGIN_NETWORK: '1000/15m' }
  const strict = await startService({ databaseUrl: service.app.config.database.url ?? '', settings })
  try {
    const username = newUsername()
    const { email } = await signUp(service, { username })
    const stranger = newAddress()
    for (let count = 0; count < 10; count++)
      expect(codes(await guess(username, strict))).toEqual(['INVALID_CREDENTIALS'])
    expect(codes(await guess(username, strict))).toEqual(['RATE_LIMITED'])
    // The other name of the account, and a name without an account.
    for (const name of [email, stranger])
      expect(codes(await guess(name, strict))).toEqual(['INVALID_CREDENTIALS'])
  } finally {
    await strict.close()
  }
})

test('a correct password resets the attempts for both names of the account', async () => {
  const username = newUsername()
  const { email } = await signUp(service, { username })
  for (let round = 0; round < 2; round++) {
    for (const name of [username, email]) {
      for (let count = 0; count < 9; count++)
        expect(codes(await guess(name))).toEqual(['INVALID_CREDENTIALS'])
    }
    expect(codes(await login(service, { identifier: email }))).toEqual([])
  }
})

test('each kind of account is locked after the same number of attempts, with the same answer', async () => {
  const settings = { LIMIT_LOGIN_ACCOUNT: '3/15m', TRUSTED_PROXIES: '127.0.0.1, ::1' }
  const strict = await startService({ databaseUrl: service.app.config.database.url ?? '', settings })
  try {
    for (const [place, name] of (await names()).entries()) {
      const outcomes: unknown[] = []
      for (let count = 0; count < 5; count++) {
        const { status, data, errors } = await strict.send(
          Login,
          { input: { identifier: name, password: count < 4 ? 'wrong' : PASSWORD } },
          { headers: { 'x-forwarded-for': `198.51.100.${place}` } },
        )
        outcomes.push([status, data, errors.map(error => error.extensions.code)])
      }
      const [denied, limited] = ['INVALID_CREDENTIALS', 'RATE_LIMITED'].map(code => [200, null, [code]])
      expect(outcomes).toEqual([denied, denied, denied, limited, limited])
    }
  } finally {
    await strict.close()
  }
})
