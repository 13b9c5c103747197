import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { migrate } from '../../src/database/migrate.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

const MIGRATIONS = resolve(import.meta.dirname, '../../prisma/migrations')
const TESTED = '20261123040000_account_states'

let database: TestDatabase
let pool: pg.Pool
let before: string

/** A database as the version before these migrations left it. */
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

type Facts = { disabledAt?: string; passwordHash?: string; passwordChangedAt?: string; lastLoginAt?: string }

async function account(number: number, facts: Facts = {}): Promise<string> {
  const id = `00000000-0000-7000-8000-00000000000${number}`
  const { disabledAt, passwordHash, passwordChangedAt, lastLoginAt } = facts
  await pool.query(
    `INSERT INTO users (id, email, email_canonical, disabled_at, password_hash, password_changed_at, last_login_at,
       created_at, updated_at) VALUES ($1, $2, $2, $3, $4, $5, $6, now(), now())`,
    [id, `${number}@example.com`, disabledAt, passwordHash, passwordChangedAt, lastLoginAt],
  )
  return id
}

async function event(number: number, subjectId: string, at: string, action: string, detail = {}) {
  await pool.query(
    'INSERT INTO audit_events (id, at, action, subject_id, detail) VALUES ($1, $2, $3, $4, $5)',
    [`00000000-0000-7000-9000-00000000000${number}`, at, action, subjectId, detail],
  )
}

test('an upgrade takes the latest reason of a disabled account and the latest open invitation from the audit log', async () => {
  const [monday, tuesday] = ['2026-01-05T00:00:00.000Z', '2026-01-06T00:00:00.000Z']
  const disabled = await account(1, { disabledAt: tuesday, passwordHash: 'x', passwordChangedAt: monday })
  const enabled = await account(2, { passwordHash: 'x', passwordChangedAt: monday })
  const silent = await account(3, { disabledAt: tuesday })
  const invited = await account(4)
  const accepted = await account(5, { passwordHash: 'x', passwordChangedAt: tuesday })
  // Such as one whose address change was undone.
  const withoutPassword = await account(6, { passwordChangedAt: tuesday, lastLoginAt: tuesday })
  await event(1, disabled, monday, 'user.disabled', { reason: 'an old one' })
  await event(2, disabled, tuesday, 'user.disabled', { reason: 'Left the company' })
  await event(3, enabled, monday, 'user.disabled', { reason: 'no longer' })
  await event(4, silent, tuesday, 'user.disabled')
  await event(5, invited, monday, 'user.invited')
  await event(6, invited, tuesday, 'user.invited', { again: true })
  await event(7, accepted, monday, 'user.invited')
  await event(8, withoutPassword, monday, 'user.invited')
  await migrate(pool, MIGRATIONS)
  const { rows } = await pool.query<{ reason: string | null; at: Date | null }>(
    'SELECT disabled_reason AS reason, invited_at AS at FROM users ORDER BY id',
  )
  expect(rows).toEqual([
    { reason: 'Left the company', at: null },
    { reason: null, at: null },
    { reason: null, at: null },
    { reason: null, at: new Date(tuesday) },
    { reason: null, at: null },
    { reason: null, at: null },
  ])
})
