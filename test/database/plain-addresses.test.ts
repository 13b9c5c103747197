import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { migrate } from '../../src/database/migrate.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

const MIGRATIONS = resolve(import.meta.dirname, '../../prisma/migrations')
const TESTED = '20261122030000_plain_addresses'

let database: TestDatabase
let pool: pg.Pool
let before: string

/** A database as the version before this migration left it. */
beforeAll(async () => {
  database = await createEmptyDatabase()
  pool = new pg.Pool({ connectionString: database.url })
  before = await mkdtemp(join(tmpdir(), 'authograph-migrations-'))
  for (const name of await readdir(MIGRATIONS)) {
    if (name < TESTED) await cp(join(MIGRATIONS, name), join(before, name), { recursive: true })
  }
  await migrate(pool, before)
})

afterAll(async () => {
  await pool.end()
  await database.drop()
  await rm(before, { recursive: true })
})

const id = (number: number) => `00000000-0000-7000-8000-00000000000${number}`

test('an upgrade converts stored addresses to the spelling that emails go to, and keeps only the verification of that spelling', async () => {
  const accounts = [
    ['victim＠gmail.com', 'victim@gmail.com'],
    ['Ａda@도메인。한국', 'ada@xn--hq1bm8jm9l.xn--3e0b707e'],
    ['grace@gm\uFE0Fail.com', 'grace@gmail.com'],
    ['Plain.Case@Example.COM', 'plain.case@example.com'],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ] as const
  for (const [index, [email, canonical]] of accounts.entries()) {
    await pool.query(
      `INSERT INTO users (id, email, email_canonical, email_verified_at, created_at, updated_at)
       VALUES ($1, $2, $3, now(), now(), now())`,
      [id(index), email, canonical],
    )
    await pool.query(
      `INSERT INTO email_tokens (purpose, subject, hash, user_id, email_canonical, created_at, expires_at)
       VALUES ('reset', $1, $2, $1, $3, now(), now() + interval '1 day')`,
      [id(index), Buffer.from(String(index)), canonical],
    )
  }
  for (const [index, email] of ['new＠example.com', 'new@example.com'].entries()) {
    await pool.query(
      `INSERT INTO email_tokens (purpose, subject, hash, email_canonical, payload, created_at, expires_at)
       VALUES ('registration', $1, $2, 'new@example.com', $3, now(), now() + interval '1 day')`,
      [id(index), Buffer.from(`new ${index}`), JSON.stringify({ email })],
    )
  }

  expect(await migrate(pool)).toContain(TESTED)

  const { rows: users } = await pool.query(
    'SELECT email, email_verified_at IS NOT NULL AS verified FROM users ORDER BY id',
  )
  expect(users).toEqual([
    { email: 'victim@gmail.com', verified: false },
    { email: 'Ada@xn--hq1bm8jm9l.xn--3e0b707e', verified: false },
    { email: 'grace@gmail.com', verified: false },
    { email: 'Plain.Case@Example.COM', verified: true },
    { email: 'ada@bücher.example', verified: true },
  ])
  const { rows: links } = await pool.query(
    `SELECT purpose, subject, payload->>'email' AS email FROM email_tokens ORDER BY purpose, subject`,
  )
  expect(links).toEqual([
    { purpose: 'registration', subject: id(1), email: 'new@example.com' },
    { purpose: 'reset', subject: id(3), email: null },
    { purpose: 'reset', subject: id(4), email: null },
  ])
})
