import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { userColumns } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import type { AuditAction } from '../../audit/actions.ts'
import { newBulkId } from '../../database/bulk-ids.ts'
import { statement } from '../../database/client.ts'
import { insertSql, toRows } from '../../database/insert.ts'
import { isUnavailable } from '../../database/unavailable.ts'
import { factorRows, factorsSql } from './factor-rows.ts'
import { identitiesSql, identityRows } from './identity-rows.ts'
import type { ImportTally } from './import-report.ts'
import type { ImportRow } from './import-row.ts'

/** A row and its (last) line in the file. */
export type NumberedRow = ImportRow & { line: number }

const IMPORTED: AuditAction = 'user.imported'

/**
 * Inserts all accounts of a batch except those that exist, which the unique indexes decide. The commit does not wait for
 * the disk: a crash of the database may lose the last batches, each as a whole, and running the import again restores
 * them. `waitUntilOnDisk` waits for all of them.
 */
const insertBatch = statement<[id: string, passkeys: number, identities: number]>(
  'import-users',
  `WITH taken AS (${insertSql('users', userColumns, 1)} ON CONFLICT DO NOTHING RETURNING id),
     further AS MATERIALIZED (
       SELECT f.* FROM jsonb_to_recordset($2) AS f (id uuid, event_id uuid, roles text[]) JOIN taken USING (id)
     ),
     granted AS (INSERT INTO user_roles (user_id, role_name) SELECT id, unnest(roles) FROM further),
     recorded AS (
       INSERT INTO audit_events (id, at, action, subject_id, detail)
       SELECT event_id, $3, '${IMPORTED}', id, jsonb_build_object('roles', roles) FROM further
     ),
     ${factorsSql(4)},
     ${identitiesSql(7)}
   SELECT id, (SELECT count(*)::int FROM keys WHERE keys.user_id = taken.id),
     (SELECT count(*)::int FROM linked WHERE linked.user_id = taken.id) FROM taken, set_config('synchronous_commit', 'off', true)`,
)

/** The write-ahead log is written in order, so every earlier commit is on disk too. A commit must write something. */
const settle = statement('import-settle', `SELECT pg_logical_emit_message(true, 'authograph', 'imported')`)

/** Resolves when every earlier commit is on disk. */
export async function waitUntilOnDisk({ pool }: App): Promise<void> {
  await withRetries(() => settle(pool, []))
}

/** Imports the rows in one transaction with their audit events, and counts what became of each. */
export async function importBatch(app: App, batch: NumberedRow[], tally: ImportTally): Promise<void> {
  const { rows, repeated } = splitByUniqueId(batch)
  const users = toRows(userColumns, ...rows.map(row => row.user))
  const further = JSON.stringify(
    rows.map(({ user, roles }) => ({ id: user.id, event_id: newBulkId(), roles })),
  )
  const now = app.clock.now()
  const factors = factorRows(app, rows, now)
  const inserted = await withRetries(() =>
    insertBatch(app.pool, [users, further, now, ...factors, identityRows(rows)]),
  )
  const insertedIds = new Map(inserted.map(([id, passkeys, identities]) => [id, { passkeys, identities }]))
  for (const row of rows) {
    const stored = insertedIds.get(row.user.id)
    if (stored) tally.countImported(row, stored)
  }
  await countConflicts(
    app,
    rows.filter(row => !insertedIds.has(row.user.id)),
    tally,
    row =>
      tally.skip({
        ...placeOf(row),
        reason: 'A conflicting account no longer exists. Run the import again.',
      }),
  )
  if (repeated.length > 0) await importBatch(app, repeated, tally)
}

/** Counts what an import would do with the rows. Does not notice two rows for one account. */
export async function checkBatch(app: App, rows: NumberedRow[], tally: ImportTally): Promise<void> {
  await countConflicts(app, rows, tally, row => tally.countImported(row))
}

/** A statement can't tell rows with the same ID apart, so repeated IDs wait for the next statement. */
function splitByUniqueId(batch: NumberedRow[]): { rows: NumberedRow[]; repeated: NumberedRow[] } {
  const ids = new Set<string>()
  const rows: NumberedRow[] = []
  const repeated: NumberedRow[] = []
  for (const row of batch) {
    ;(ids.has(row.user.id) ? repeated : rows).push(row)
    ids.add(row.user.id)
  }
  return { rows, repeated }
}

type Holder = [id: string, email: string, emailCanonical: string, username: string | null]

const selectHolders = statement<Holder>(
  'import-holders',
  `SELECT id, email, email_canonical, username FROM users
   WHERE email_canonical = ANY($1) OR username = ANY($2) OR id = ANY($3::uuid[])`,
)

/** Counts each row that conflicts with an existing account, and calls `onNoConflict` for the others. */
async function countConflicts(
  app: App,
  rows: NumberedRow[],
  tally: ImportTally,
  onNoConflict: (row: NumberedRow) => void,
): Promise<void> {
  if (rows.length === 0) return
  const holders = await withRetries(() =>
    selectHolders(app.pool, [
      rows.map(({ user }) => user.emailCanonical),
      rows.map(({ user }) => user.username).filter(name => name !== null),
      rows.map(({ user }) => user.id),
    ]),
  )
  const emails = new Map(holders.map(([, email, canonical]) => [canonical, email]))
  const usernames = new Set(holders.map(([, , , username]) => username))
  const ids = new Set(holders.map(([id]) => id))
  for (const row of rows) {
    const { id, email, emailCanonical, username } = row.user
    const existingEmail = emails.get(emailCanonical)
    const place = placeOf(row)
    if (existingEmail === email) tally.countExisting()
    else if (existingEmail) {
      // The other system treated the two spellings as different people, so they must not silently become one account.
      tally.skip({ ...place, reason: 'email: Another spelling of this address has an account.' })
    } else if (username !== null && usernames.has(username)) {
      tally.skip({ ...place, reason: 'username: Another account has this username.' })
    } else if (ids.has(id)) tally.skip({ ...place, reason: 'id: Another account has this ID.' })
    else onNoConflict(row)
  }
}

function placeOf({ line, user }: NumberedRow): { line: number; email: string } {
  return { line, email: user.email }
}

const ATTEMPTS = 5
const RETRY_MS = 500
const DEADLOCK = '40P01'

/** Retries after passing database errors. Repeating a batch is safe, because it never imports an account twice. */
async function withRetries<Result>(task: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      const isTransient =
        isUnavailable(error) || (error instanceof pg.DatabaseError && error.code === DEADLOCK)
      if (!isTransient || attempt === ATTEMPTS) throw error
    }
    await sleep(attempt * RETRY_MS)
  }
}
