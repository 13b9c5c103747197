import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type pg from 'pg'
import { type Connections, connect, statement } from '../../src/database/client.ts'
import { shareConnection } from '../../src/database/pooler.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let connections: Connections
let pool: pg.Pool

beforeAll(async () => {
  database = await createEmptyDatabase()
  connections = connect({ url: database.url, pooler: 'auto' }, { poolSize: 2, timeoutMs: 20_000 }, () => {})
  pool = connections.pool
})
afterAll(async () => {
  await connections.close()
  await database.drop()
})

const VALUES = [
  'a “text”',
  -7,
  true,
  new Date('2026-11-21T20:45:51.123Z'),
  null,
  Buffer.from([0, 255, 92]),
  '9007199254740993',
  ['one', 'a "quote", a \\ and a {'],
  { kept: [1, null] },
]

const echo = statement(
  'echo',
  `SELECT $1::text, $2::int, $3::boolean, $4::timestamptz, $5::timestamptz, $6::bytea, $7::bigint, $8::text[], $9::jsonb
   FROM generate_series(1, $10::int)`,
)

test('a statement returns what it was given, at each execution and on each connection', async () => {
  expect(await echo(pool, [...VALUES, 2])).toEqual([VALUES, VALUES])
  const [one, two] = await Promise.all([pool.connect(), pool.connect()])
  try {
    for (const connection of [one, two, one, two])
      expect(await echo(connection, [...VALUES, 1])).toEqual([VALUES])
    expect(await echo(one, [...VALUES, 0])).toEqual([])
    const queued = await Promise.all([echo(two, [...VALUES, 1]), echo(two, [...VALUES, 2])])
    expect(queued.map(rows => rows.length)).toEqual([1, 2])
  } finally {
    one.release()
    two.release()
  }
})

test('a statement works behind a pooler that keeps no names', async () => {
  const connection = await pool.connect()
  try {
    shareConnection(connection as unknown as pg.Client, { named: false, limits: '' })
    for (const rows of [1, 2]) expect(await echo(connection, [...VALUES, rows])).toHaveLength(rows)
    expect(await echo(connection, [...VALUES, 1])).toEqual([VALUES])
  } finally {
    connection.release(true)
  }
})

test('an error fails one execution, the first on a connection as any other, and names its caller', async () => {
  const divide = statement<[number]>('divide', 'SELECT 6 / $1::int')
  const connection = await pool.connect()
  try {
    const failure = await divide(connection, [0]).catch((error: Error & { code?: string }) => error)
    expect(failure).toMatchObject({ code: '22012' })
    expect((failure as Error).stack).toContain('prepared-query.test.ts')
    expect(await divide(connection, [2])).toEqual([[3]])
    await expect(divide(connection, [0])).rejects.toMatchObject({ code: '22012' })
    await expect(divide(connection, ['none'])).rejects.toMatchObject({ code: '22P02' })
    expect(await divide(connection, [3])).toEqual([[2]])
  } finally {
    connection.release()
  }
})

test('two statements cannot have one name', async () => {
  const connection = await pool.connect()
  try {
    await statement('twice', 'SELECT 1')(connection, [])
    await expect(statement('twice', 'SELECT 2')(connection, [])).rejects.toThrow('twice')
    expect(await statement('twice', 'SELECT 1')(connection, [])).toEqual([[1]])
  } finally {
    connection.release()
  }
})
