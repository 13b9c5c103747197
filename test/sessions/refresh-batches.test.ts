import { expect, test } from '@jest/globals'
import type { Session } from '../../src/generated/prisma/client.ts'
import { advance } from '../../src/sessions/advance.ts'
import { refreshTokenOf } from '../../src/sessions/refresh-token.ts'
import { newSession } from '../../src/sessions/start.ts'
import { type SignedIn, signUp } from '../support/actors.ts'
import { watchQueries } from '../support/queries.ts'
import { whileHolding } from '../support/race.ts'
import { codes, startService, useService } from '../support/service.ts'
import { refresh, refreshed } from '../support/sessions.ts'

const service = useService()
const request = { requestId: 'r', ipAddress: '192.0.2.7', userAgent: 'A "B", \\c {d} 한국어' }
const origin = { ...request, bearerToken: undefined, refreshCookie: undefined, deviceCookie: undefined }

/** Further live sessions of the account, as a sign-in starts them, with these changes. */
async function sessionsOf(account: SignedIn, ...changes: Partial<Session>[]): Promise<Session[]> {
  const { app } = service
  const proofs = [{ method: 'PASSWORD', at: app.clock.now() } as const]
  const started = { proofs, remember: true, deviceName: null }
  const sessions = changes.map(change => ({ ...newSession(app, account.id, origin, started), ...change }))
  await app.db.session.createMany({ data: sessions })
  return sessions
}

const rowsOf = async (sessions: Session[]) => {
  const rows = await service.app.db.session.findMany({ where: { id: { in: sessions.map(({ id }) => id) } } })
  return sessions.map(({ id }) => rows.find(row => row.id === id))
}

/** Advances all of them in one turn of the event loop. */
const advanceAll = (sessions: Session[]) =>
  Promise.all(sessions.map(session => advance(service.app, session, origin)))

test('20 sessions that refresh at the same time share two statements, and each gets its own successor', async () => {
  const account = await signUp(service)
  const sessions = await sessionsOf(account, ...Array.from({ length: 20 }, () => ({})))
  const names: (string | undefined)[] = []
  const stop = watchQueries(service.app, name => names.push(name))
  const advanced = await advanceAll(sessions)
  stop()
  expect(names).toEqual(['sessions-advance', 'sessions-advance'])
  const { ipAddress, userAgent } = request
  const next = { userId: account.id, generation: 1, generationSeenAt: null, ipAddress, userAgent }
  expect(advanced.map(found => found?.session)).toEqual(
    sessions.map(({ id, salt }) => expect.objectContaining({ ...next, id, salt: Buffer.from(salt) })),
  )
  expect(await rowsOf(sessions)).toEqual(sessions.map(({ id }) => expect.objectContaining({ ...next, id })))
  expect(new Set(advanced.map(found => found?.account.email))).toEqual(new Set([account.email]))
  expect(advanced[0]?.account.roles).toEqual(['user'])
  await refreshed(service, refreshTokenOf(service.app, sessions[7] as Session, 1))
})

test('a session ends as late in a batch as alone: after its idle time, and never after its absolute time', async () => {
  const account = await signUp(service)
  const soon = new Date(service.clock.now().getTime() + 5000)
  const [idle, absolute, alone] = await sessionsOf(account, {}, { absoluteExpiresAt: soon }, {})
  const [one, other] = await advanceAll([idle, absolute] as Session[])
  const [single] = await advanceAll([alone as Session])
  expect(other?.session.expiresAt).toEqual(soon)
  for (const found of [one, single]) {
    const { rotatedAt, lastUsedAt, expiresAt, idleTtlSeconds } = found?.session ?? ({} as Session)
    expect(lastUsedAt).toEqual(rotatedAt)
    expect(expiresAt.getTime() - Number(rotatedAt)).toBe(idleTtlSeconds * 1000)
  }
})

test('a batch leaves sessions alone that have ended, are elsewhere, are bound to a key, or that no one can refresh', async () => {
  const [account, disabled] = [await signUp(service), await signUp(service)]
  const { app } = service
  await app.db.user.update({ where: { id: disabled.id }, data: { disabledAt: app.clock.now() } })
  const [ofDisabled] = await sessionsOf(disabled, {})
  const sessions = await sessionsOf(
    account,
    {},
    { revokedAt: app.clock.now() },
    { expiresAt: app.clock.now() },
    { actorSessionId: account.sessionId },
    { generation: 5 },
    { salt: new Uint8Array(16) },
    { keyThumbprint: 'k'.repeat(43) },
    {},
  )
  const [live, revoked, expired, impersonated, elsewhere, salted, bound, other] = sessions as [
    Session,
    Session,
    Session,
    Session,
    Session,
    Session,
    Session,
    Session,
  ]
  const others = [revoked, expired, impersonated, elsewhere, salted, bound, ofDisabled as Session]
  const before = await rowsOf(others)
  const advanced = await advanceAll([
    live,
    revoked,
    expired,
    impersonated,
    { ...elsewhere, generation: 4 },
    { ...salted, salt: live.salt },
    bound,
    ofDisabled as Session,
    other,
  ])
  expect(advanced.map(found => found?.session.id)).toEqual([
    live.id,
    ...others.map(() => undefined),
    other.id,
  ])
  expect(await rowsOf(others)).toEqual(before)
})

test('of two tokens of one session in a batch, only the current one advances it', async () => {
  const [session] = (await sessionsOf(await signUp(service), { generation: 8 })) as [Session]
  const generations = [7, 8, 9].map(generation => ({ ...session, generation }))
  const advanced = await advanceAll(generations)
  expect(advanced.map(found => found?.session.generation)).toEqual([undefined, 9, undefined])
  expect((await rowsOf([session]))[0]?.generation).toBe(9)
})

test('a session that is locked holds up no other, and refreshes once the lock is gone', async () => {
  const [held, free] = (await sessionsOf(await signUp(service), {}, {})) as [Session, Session]
  const lock = `SELECT FROM sessions WHERE id = '${held.id}' FOR NO KEY UPDATE`
  const waits = await whileHolding(service.app.config.database.url ?? '', lock, async waiting => {
    const [none, found] = await advanceAll([held, free])
    expect(none).toBeUndefined()
    expect(found?.session.generation).toBe(1)
    const pending = refresh(service, refreshTokenOf(service.app, held, 0))
    await waiting(1)
    return { pending }
  })
  expect(codes(await waits.pending)).toEqual([])
  expect((await rowsOf([held, free])).map(row => row?.generation)).toEqual([1, 1])
})

test('two replicas that refresh the same sessions in opposite order advance each of them once', async () => {
  const sessions = await sessionsOf(await signUp(service), ...Array.from({ length: 12 }, () => ({})))
  const databaseUrl = service.app.config.database.url ?? ''
  const replica = await startService({ databaseUrl, clock: service.clock })
  try {
    const tokens = sessions.map(session => refreshTokenOf(service.app, session, 0))
    const send = (to: typeof service, all: string[]) => all.map(token => refreshed(to, token))
    const pairs = await Promise.all([...send(service, tokens), ...send(replica, tokens.toReversed())])
    const successors = pairs.map(({ refreshToken }) => refreshToken)
    expect(successors.slice(12)).toEqual(successors.slice(0, 12).toReversed())
    expect((await rowsOf(sessions)).map(row => row?.generation)).toEqual(sessions.map(() => 1))
  } finally {
    await replica.close()
  }
})
