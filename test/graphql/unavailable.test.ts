import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import pg from 'pg'
import { NoPrimaryError } from '../../src/database/primary.ts'
import { isUnavailable } from '../../src/database/unavailable.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { useService } from '../support/service.ts'

const service = useService({ settings: { DATABASE_POOL_SIZE: '2' } })

const coded = (code: string) => Object.assign(new Error('canary'), { code })
const prisma = (code: string) =>
  new Prisma.PrismaClientKnownRequestError('canary', { code, clientVersion: '7' })
function postgres(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('canary', 6, 'error'), { code })
}

test.each([
  ['a refused connection', coded('ECONNREFUSED')],
  ['a reset connection', coded('ECONNRESET')],
  ['a host that has no address', coded('ENOTFOUND')],
  ['a socket that is not there', coded('ENOENT')],
  ['a connection failure (08)', postgres('08006')],
  ['too many connections (53)', postgres('53300')],
  ['a shutdown (57)', postgres('57P01')],
  ['a server that is starting (57)', postgres('57P03')],
  ['a server that accepts no writes (25006)', postgres('25006')],
  ['a standby', new NoPrimaryError('canary')],
  ['a database Prisma cannot reach', prisma('P1001')],
  ['a transaction that could not start', prisma('P2028')],
])('%s is worth another try', (_what, error) => {
  expect(isUnavailable(error)).toBe(true)
})

test.each([
  ['a fault of ours', new Error('canary')],
  ['a column that is not there', postgres('42703')],
  ['a name that is taken', postgres('23505')],
  ['a deadlock', postgres('40P01')],
  ['a name that Prisma finds taken', prisma('P2002')],
  ['a record that Prisma does not find', prisma('P2025')],
  ['what is no error', 'ECONNREFUSED'],
  ['nothing', undefined],
])('%s is not', (_what, error) => {
  expect(isUnavailable(error)).toBe(false)
})

/** The errors of these attempts; fails where one succeeds. */
async function failures(...attempts: Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(attempts)
  return settled.map(result =>
    result.status === 'rejected' ? result.reason : expect(result).toBe('rejected'),
  )
}

test('a pool whose connections are all busy is worth another try, by whichever way', async () => {
  const { pool, db } = service.app
  const clients = [await pool.connect(), await pool.connect()]
  const errors = await failures(
    pool.query('SELECT 1'),
    db.role.findMany(),
    db.$transaction(tx => tx.role.findMany()),
  )
  for (const client of clients) client.release()
  expect(errors.map(isUnavailable)).toEqual([true, true, true])
})

test('a statement that the database ended, shutting down, is worth another try', async () => {
  const { pool, db, config } = service.app
  const admin = new pg.Client(config.database.url)
  await admin.connect()
  await admin.query('BEGIN; LOCK TABLE roles')
  const waiting = failures(pool.query('SELECT * FROM roles'), db.role.findMany())
  const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()`
  for (let ended = 0; ended < 2; ) {
    ended += (await admin.query(terminate)).rowCount ?? 0
    await sleep(10)
  }
  await admin.end()
  expect((await waiting).map(isUnavailable)).toEqual([true, true])
})
