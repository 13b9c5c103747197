import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { sealingKey } from '../../src/crypto/seal.ts'
import { reloadKeys } from '../../src/keys/reload.ts'
import { signIn, signUp, signUpWith } from '../support/actors.ts'
import { TestClock } from '../support/clock.ts'
import { haveRecoveryCodes, haveTotp, secondStep, ticketOf } from '../support/factors.ts'
import { headerOf } from '../support/forge.ts'
import { RotateSigningKey } from '../support/operations.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { codes, type Service, startService } from '../support/service.ts'
import { MINUTE, refreshed, stateOf } from '../support/sessions.ts'

const FIRST = 'the first secret that is long enough'
const SECOND = 'the second secret that is long enough'
const THIRD = 'the third secret that is long enough too'

let database: TestDatabase
let clock: TestClock
const running: Service[] = []

beforeEach(async () => {
  database = await createDatabase()
  clock = new TestClock()
})
afterEach(async () => {
  const services = running.splice(0)
  const logged = services.flatMap(service => service.logged)
  await Promise.all(services.map(service => service.close()))
  await database.drop()
  expect(logged).toEqual([])
})

async function start(secret: string, ...previous: string[]): Promise<Service> {
  // No emails: a replica under an old secret cannot open those that another replica sealed, and logs a warning.
  const settings = {
    AUTHOGRAPH_SECRET: secret,
    AUTHOGRAPH_PREVIOUS_SECRETS: previous.join(', '),
    MAIL: 'off',
  }
  const service = await startService({ databaseUrl: database.url, clock, settings })
  running.push(service)
  return service
}

const keysOf = ({ app: { keys } }: Service) => ({
  signing: keys.signing.map(({ privateKey }) => privateKey.export({ format: 'jwk' })),
  refreshToken: keys.refreshToken?.toString('hex'),
})

/** The ids of the sealing keys that the envelopes in the database name. */
async function sealedUnder({ app: { db } }: Service): Promise<string[]> {
  const signing = await db.signingKey.findMany()
  const server = await db.serverKey.findMany()
  const envelopes = [...signing.map(key => key.sealedPrivate), ...server.map(key => key.sealed)]
  return envelopes.map(envelope => envelope.split('.')[1] ?? '')
}

async function rotate(service: Service): Promise<string> {
  const { accessToken: token } = await signUpWith(service, 'admin')
  const { data, errors } = await service.send(RotateSigningKey, {}, { token })
  expect(errors).toEqual([])
  return data?.rotateSigningKey.kid ?? ''
}

describe('a start under a new secret that lists the old one', () => {
  test('keeps the keys, and every token and session stays valid', async () => {
    const before = await start(FIRST)
    const account = await signUp(before)
    const after = await start(SECOND, FIRST)
    expect(keysOf(after)).toEqual(keysOf(before))
    expect(await stateOf(after, account.accessToken)).toBe('LIVE')
    const pair = await refreshed(after, account.refreshToken)
    expect(await stateOf(before, pair.accessToken)).toBe('LIVE')
  })

  test('reseals everything, including retired keys, so that the old secret can be removed', async () => {
    const before = await start(FIRST)
    await rotate(before)
    const old = await sealedUnder(before)
    expect(new Set(old)).toEqual(new Set([sealingKey(FIRST).id]))
    const after = await start(SECOND, FIRST)
    expect(await sealedUnder(after)).toEqual(old.map(() => sealingKey(SECOND).id))
    expect(keysOf(await start(SECOND))).toEqual(keysOf(before))
    await expect(start(FIRST)).rejects.toThrow('AUTHOGRAPH_PREVIOUS_SECRETS')
  })

  test('keeps authenticator apps, recovery codes and open sign-ins, and changes no row of them', async () => {
    const before = await start(FIRST)
    const { id, email } = await signUp(before)
    const authenticator = await haveTotp(before, id)
    const [recoveryCode = ''] = await haveRecoveryCodes(before, id)
    const ticket = await ticketOf(before, email)
    const row = await before.app.db.totp.findUniqueOrThrow({ where: { userId: id } })
    await start(SECOND, FIRST)
    const after = await start(SECOND)
    expect(await after.app.db.totp.findUniqueOrThrow({ where: { userId: id } })).toEqual(row)
    expect(codes(await secondStep(after, ticket, { totpCode: authenticator.code() }))).toEqual([])
    expect(codes(await secondStep(after, await ticketOf(after, email), { recoveryCode }))).toEqual([])
  })

  test('works on several replicas at the same time', async () => {
    const before = await start(FIRST)
    const after = await Promise.all([1, 2, 3].map(() => start(SECOND, FIRST)))
    for (const service of after) expect(keysOf(service)).toEqual(keysOf(before))
    expect(keysOf(await start(SECOND))).toEqual(keysOf(before))
  })

  test('finds the required secret among several', async () => {
    const before = await start(FIRST)
    expect(keysOf(await start(THIRD, SECOND, FIRST))).toEqual(keysOf(before))
    expect(keysOf(await start(SECOND, THIRD))).toEqual(keysOf(before))
  })

  test('fails if the required secret is not listed, reveals no secret and changes nothing', async () => {
    const before = await start(FIRST)
    const failure = await start(SECOND, THIRD).catch(String)
    expect(failure).toMatch(/sealed under another secret.*AUTHOGRAPH_PREVIOUS_SECRETS/)
    for (const secret of [FIRST, SECOND, THIRD]) expect(failure).not.toContain(secret)
    expect(keysOf(await start(FIRST))).toEqual(keysOf(before))
  })
})

describe('while one replica still runs under the old secret', () => {
  test('each replica accepts the tokens of the other', async () => {
    const old = await start(FIRST)
    const renewed = await start(SECOND, FIRST)
    await reloadKeys(old.app)
    const [atOld, atRenewed] = [await signUp(old), await signUp(renewed)]
    expect(await stateOf(renewed, atOld.accessToken)).toBe('LIVE')
    expect(await stateOf(old, atRenewed.accessToken)).toBe('LIVE')
    await refreshed(renewed, atOld.refreshToken)
    await refreshed(old, atRenewed.refreshToken)
  })

  test('a key created under the old secret is loaded and resealed by the replica with the new secret', async () => {
    const old = await start(FIRST)
    const renewed = await start(SECOND, FIRST)
    const kid = await rotate(old)
    await reloadKeys(renewed.app)
    expect(new Set(await sealedUnder(renewed))).toEqual(new Set([sealingKey(SECOND).id]))
    await reloadKeys(old.app)
    clock.advance(7 * MINUTE)
    const { email, accessToken } = await signUp(renewed)
    expect(headerOf(accessToken).kid).toBe(kid)
    expect(await stateOf(old, accessToken)).toBe('LIVE')
    expect(headerOf((await signIn(old, email)).accessToken).kid).toBe(kid)
  })

  test('a key created under the new secret is not loaded by the old replica, which keeps using its own', async () => {
    const old = await start(FIRST)
    const renewed = await start(SECOND, FIRST)
    await rotate(renewed)
    const keys = keysOf(old)
    await expect(reloadKeys(old.app)).rejects.toThrow('sealed under another secret')
    expect(keysOf(old)).toEqual(keys)
    const { accessToken } = await signUp(old)
    expect(await stateOf(renewed, accessToken)).toBe('LIVE')
  })
})
