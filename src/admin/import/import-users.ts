import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { userColumns } from '../../accounts/account.ts'
import type { App } from '../../app.ts'
import type { AuditAction } from '../../audit/actions.ts'
import { newBulkId } from '../../database/bulk-ids.ts'
import { statement } from '../../database/client.ts'
import { insertSql, toRows } from '../../database/insert.ts'
import { isUnavailable } from '../../database/unavailable.ts'
import { type ImportField, type ImportRow, importFields, type RowOptions, toImportRow } from './import-row.ts'

/** A record of the file, or why there is none; `line` is its (last) line there. */
export type SourceRecord =
  | { line: number; fields: Record<string, unknown> }
  | { line: number; problem: string }

export type Skipped = { line: number; email?: string; reason: string }

export type ImportOptions = {
  /** Which name in the file stands for a field, where it is not the field's own. */
  names?: Partial<Record<ImportField, string>>
  /** Only looks at what would be taken. Of two records for one account it does not see the second. */
  dryRun?: boolean
  /** Takes accounts whose roles grant permissions. */
  allowAdmin?: boolean
  /** Takes what is read already, and no more; the source may fail then. */
  signal?: AbortSignal
  /** Told every record that is not taken because something is wrong with it. */
  onSkip?: (skipped: Skipped) => void
}

export type ImportReport = {
  dryRun: boolean
  /** Whether it was told to stop. */
  interrupted: boolean
  /** Records of the file. */
  read: number
  /** Accounts made now. */
  taken: number
  /** Of those: accounts that can sign in only after a reset of the password. */
  withoutPassword: number
  /** Of those: accounts whose hash is cheap to guess at until they sign in. */
  weakHashes: number
  /** Records of accounts that existed already; they stay as they are. */
  alreadyThere: number
  /** Records that something is wrong with, by what that is; with the first lines. */
  skipped: number
  reasons: { reason: string; count: number; lines: number[] }[]
  /** Names in the file that mean nothing here. */
  ignored: string[]
  /** How long it took. */
  seconds: number
}

/** About 50 ms of the database's time, far from where statements are cut off. */
const BATCH = 500
/** Enough that the database never waits for this process. */
const BATCHES_AT_ONCE = 3
const REASONS_MAX = 1000
const IGNORED_MAX = 100
const LINES_SHOWN = 3

type Numbered = ImportRow & { line: number }

/**
 * Makes accounts of records, in the order of the file as far as names go: who comes first has them. An account
 * that exists is never changed, so a file can be imported again, or once more after an interruption. Each batch
 * is one transaction with its audit events. Memory is bounded, whatever the length of the file.
 * @throws Error when the source cannot be read on or the database stays away; what was taken until then stays
 */
export async function importUsers(
  app: App,
  source: AsyncIterable<SourceRecord[]>,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const tally = new Tally(options)
  const rowOptions = {
    now: app.clock.now(),
    locale: app.config.locales[0],
    roles: await rolesOf(app),
    allowAdmin: options.allowAdmin ?? false,
  }
  const pick = fieldPicker(options.names ?? {}, tally.ignored)
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let batch: Numbered[] = []
  const start = async () => {
    const rows = batch
    batch = []
    const run: Promise<void> = (options.dryRun ? look(app, rows, tally) : take(app, rows, tally))
      .catch(error => {
        failure ??= { error }
      })
      .finally(() => running.delete(run))
    running.add(run)
    if (running.size >= BATCHES_AT_ONCE) await Promise.race(running)
  }
  const isOver = () => options.signal?.aborted || failure
  try {
    for await (const records of source) {
      for (const record of records) {
        if (isOver()) break
        tally.read++
        if ('problem' in record) {
          tally.skip({ line: record.line, reason: record.problem })
          continue
        }
        const fields = pick(record.fields)
        const row = toImportRow(fields, rowOptions)
        if ('reason' in row) tally.skip({ line: record.line, reason: row.reason, ...emailOf(fields.email) })
        else if (batch.push({ ...row, line: record.line }) === BATCH) await start()
      }
      if (isOver()) break
    }
  } catch (error) {
    // Whoever stops it may cut off a source that would never have ended.
    if (!options.signal?.aborted) failure ??= { error }
  }
  if (batch.length > 0 && !failure) await start()
  await Promise.all(running)
  if (failure) throw failure.error
  if (!options.dryRun) await persistently(() => settle(app.pool, []))
  return tally.report()
}

/** A name that this command does not know may be a permission of the program that embeds the server. */
async function rolesOf({ db }: App): Promise<RowOptions['roles']> {
  const roles = await db.role.findMany({ select: { name: true, permissions: true } })
  return new Map(roles.map(({ name, permissions }) => [name, { privileged: permissions.length > 0 }]))
}

/** What a record says of each field, without what is empty. Names that mean nothing are added to `ignored`. */
function fieldPicker(names: Partial<Record<ImportField, string>>, ignored: Set<string>) {
  const fieldOf = new Map<string, ImportField>()
  for (const [field, own] of Object.entries(importFields) as [ImportField, readonly string[]][]) {
    const given = names[field]
    for (const name of given === undefined ? own : [given]) fieldOf.set(name, field)
  }
  return (record: Record<string, unknown>) => {
    const fields: Partial<Record<ImportField, unknown>> = {}
    for (const [name, value] of Object.entries(record)) {
      const field = fieldOf.get(name)
      if (!field) {
        if (ignored.size < IGNORED_MAX) ignored.add(name)
      } else if (value !== null && value !== '' && value !== '\\N') {
        fields[field] = value
      }
    }
    return fields
  }
}

function emailOf(value: unknown): { email?: string } {
  return typeof value === 'string' ? { email: value.slice(0, 320) } : {}
}

class Tally {
  read = 0
  readonly ignored = new Set<string>()
  readonly #options: ImportOptions
  readonly #reasons = new Map<string, { reason: string; count: number; lines: number[] }>()
  #taken = 0
  #withoutPassword = 0
  #weakHashes = 0
  #alreadyThere = 0
  #skipped = 0
  readonly #startedMs = performance.now()

  constructor(options: ImportOptions) {
    this.#options = options
  }

  took({ user, weakHash }: ImportRow): void {
    this.#taken++
    if (user.passwordHash === null) this.#withoutPassword++
    if (weakHash) this.#weakHashes++
  }

  found(): void {
    this.#alreadyThere++
  }

  skip(skipped: Skipped): void {
    this.#skipped++
    this.#options.onSkip?.(skipped)
    const { reason } = skipped
    const known = this.#reasons.get(reason)
    const entry = known ?? { reason, count: 0, lines: [] }
    entry.count++
    if (entry.lines.length < LINES_SHOWN) entry.lines.push(skipped.line)
    if (!known && this.#reasons.size < REASONS_MAX) this.#reasons.set(reason, entry)
  }

  report(): ImportReport {
    return {
      dryRun: this.#options.dryRun ?? false,
      interrupted: this.#options.signal?.aborted ?? false,
      read: this.read,
      taken: this.#taken,
      withoutPassword: this.#withoutPassword,
      weakHashes: this.#weakHashes,
      alreadyThere: this.#alreadyThere,
      skipped: this.#skipped,
      reasons: [...this.#reasons.values()].sort((a, b) => b.count - a.count),
      ignored: [...this.ignored].sort(),
      seconds: Math.round(performance.now() - this.#startedMs) / 1000,
    }
  }
}

const IMPORTED: AuditAction = 'user.imported'

/**
 * All or nothing of a batch but the accounts that exist; the unique indexes decide which those are. The batch does not
 * wait for the disk: after a crash of the database the last ones may be gone, whole, and are taken when the import is
 * run again. The report waits for all of them, see `settle`.
 */
const insertBatch = statement<[id: string]>(
  'import-users',
  `WITH taken AS (${insertSql('users', userColumns, 1)} ON CONFLICT DO NOTHING RETURNING id),
     further AS MATERIALIZED (
       SELECT f.* FROM jsonb_to_recordset($2) AS f (id uuid, event_id uuid, roles text[]) JOIN taken USING (id)
     ),
     granted AS (INSERT INTO user_roles (user_id, role_name) SELECT id, unnest(roles) FROM further),
     recorded AS (
       INSERT INTO audit_events (id, at, action, subject_id, detail)
       SELECT event_id, $3, '${IMPORTED}', id, jsonb_build_object('roles', roles) FROM further
     )
   SELECT id FROM taken, set_config('synchronous_commit', 'off', true)`,
)

/** Returns when every commit before it is on disk, for the log is written in order. A commit needs something to write. */
const settle = statement('import-settle', `SELECT pg_logical_emit_message(true, 'authograph', 'imported')`)

async function take(app: App, batch: Numbered[], tally: Tally): Promise<void> {
  const ids = new Set<string>()
  const again: Numbered[] = []
  const rows: Numbered[] = []
  for (const row of batch) {
    // Two with one id take turns: one statement could not tell them apart.
    ;(ids.has(row.user.id) ? again : rows).push(row)
    ids.add(row.user.id)
  }
  const users = toRows(userColumns, ...rows.map(row => row.user))
  const further = JSON.stringify(
    rows.map(({ user, roles }) => ({ id: user.id, event_id: newBulkId(), roles })),
  )
  const inserted = await persistently(() => insertBatch(app.pool, [users, further, app.clock.now()]))
  const taken = new Set(inserted.map(([id]) => id))
  for (const row of rows) if (taken.has(row.user.id)) tally.took(row)
  await explain(
    app,
    rows.filter(row => !taken.has(row.user.id)),
    tally,
    () => 'The account came and went meanwhile. Run the import again.',
  )
  if (again.length > 0) await take(app, again, tally)
}

async function look(app: App, rows: Numbered[], tally: Tally): Promise<void> {
  await explain(app, rows, tally, () => undefined)
}

type Holder = [id: string, email: string, emailCanonical: string, username: string | null]

const selectHolders = statement<Holder>(
  'import-holders',
  `SELECT id, email, email_canonical, username FROM users
   WHERE email_canonical = ANY($1) OR username = ANY($2) OR id = ANY($3::uuid[])`,
)

/** Counts rows by what stands in their way; `otherwise` says what is wrong with those that nothing does. */
async function explain(
  app: App,
  rows: Numbered[],
  tally: Tally,
  otherwise: () => string | undefined,
): Promise<void> {
  if (rows.length === 0) return
  const holders = await persistently(() =>
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
    const known = emails.get(emailCanonical)
    if (known === email) {
      tally.found()
      continue
    }
    // Two people, in a system that took them for different: one of them would silently be the other.
    const reason = known
      ? 'email: Another spelling of this address has an account.'
      : username !== null && usernames.has(username)
        ? 'username: Another account has it.'
        : ids.has(id)
          ? 'id: Another account has it.'
          : otherwise()
    if (reason) tally.skip({ line: row.line, email, reason })
    else tally.took(row)
  }
}

const ATTEMPTS = 5
const RETRY_MS = 500
const DEADLOCK = '40P01'

/** Whatever became of a batch, doing it again makes nothing twice. */
async function persistently<Result>(task: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      const passes = isUnavailable(error) || (error instanceof pg.DatabaseError && error.code === DEADLOCK)
      if (!passes || attempt === ATTEMPTS) throw error
    }
    await sleep(attempt * RETRY_MS)
  }
}
