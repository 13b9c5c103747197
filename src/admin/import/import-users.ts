import type { App } from '../../app.ts'
import { AuthError } from '../../errors.ts'
import { type FieldNames, fieldReader } from './field-reader.ts'
import { checkBatch, importBatch, type NumberedRow, waitUntilOnDisk } from './import-batch.ts'
import type { ReadPublicKey } from './import-factors.ts'
import { type ImportReport, ImportTally, type SkippedRecord } from './import-report.ts'
import { type RowOptions, toImportRow } from './import-row.ts'

/** A record of the file, or the reason it can't be read; `line` is its (last) line in the file. */
export type SourceRecord =
  | { line: number; fields: Record<string, unknown> }
  | { line: number; problem: string }

export type ImportOptions = {
  names?: FieldNames
  /** Reports what an import would do and changes nothing. Does not notice two records for one account. */
  dryRun?: boolean
  /** Accepts accounts whose roles grant permissions. */
  allowAdmin?: boolean
  /** The domain that the passkeys of the file were created for. */
  rpId?: string
  /** The names of providers in the file, and the providers that they stand for; null for those that are left out. */
  providers?: ReadonlyMap<string, string | null>
  /** Stops reading. Records that were already read are still imported, and errors of the source are ignored. */
  signal?: AbortSignal
  /** Called for every record that has a problem. */
  onSkip?: (skipped: SkippedRecord) => void
}

/** Takes the database about 50 ms, well within the statement timeout. */
const BATCH_SIZE = 500
/** Enough to keep the database busy. */
const CONCURRENT_BATCHES = 3

/**
 * Creates accounts from records. If two records claim a name, the first in the file gets it. Existing accounts never
 * change, so a file can be imported repeatedly, for example after an interruption. Each batch is one transaction with its
 * audit events. Memory is bounded, whatever the length of the file.
 * @throws AuthError BAD_USER_INPUT for a wrong `rpId`; Error if the source can't be read or the database stays unavailable; accounts imported so far remain
 */
export async function importUsers(
  app: App,
  source: AsyncIterable<SourceRecord[]>,
  { names = {}, dryRun = false, allowAdmin = false, rpId, providers, signal, onSkip }: ImportOptions = {},
): Promise<ImportReport> {
  const tally = new ImportTally(onSkip)
  const readFields = fieldReader(names, name => tally.ignore(name))
  const rowOptions = {
    now: app.clock.now(),
    locale: app.config.locales[0],
    roles: await loadRoles(app),
    allowAdmin,
    readPublicKey: rpId === undefined ? undefined : await publicKeyReader(app, rpId),
    providers: { providers: app.config.providers, renamed: renamedIn(app, providers) },
  }
  const toRow = (record: SourceRecord): NumberedRow | undefined => {
    tally.countRead()
    const { line } = record
    if ('problem' in record) return void tally.skip({ line, reason: record.problem })
    const fields = readFields(record.fields)
    const row = toImportRow(fields, rowOptions)
    if (!('reason' in row)) return { ...row, line }
    return void tally.skip({ line, reason: row.reason, ...emailOf(fields.email) })
  }
  const batches = new Batches(rows => (dryRun ? checkBatch : importBatch)(app, rows, tally))
  try {
    await readInto(batches, source, toRow, signal)
  } catch (error) {
    // Aborting may close a source that never ends, which then fails.
    if (!signal?.aborted) batches.fail(error)
  }
  await batches.finish()
  if (!dryRun) await waitUntilOnDisk(app)
  return tally.report({ dryRun, interrupted: signal?.aborted ?? false })
}

async function readInto(
  batches: Batches,
  source: AsyncIterable<SourceRecord[]>,
  toRow: (record: SourceRecord) => NumberedRow | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const records of source) {
    for (const record of records) {
      if (signal?.aborted || batches.failed) return
      const row = toRow(record)
      if (row) await batches.add(row)
    }
    if (signal?.aborted || batches.failed) return
  }
}

/** Collects rows into batches, and runs a few of them at a time. */
class Batches {
  readonly #run: (rows: NumberedRow[]) => Promise<void>
  readonly #running = new Set<Promise<void>>()
  #rows: NumberedRow[] = []
  #failure: { error: unknown } | undefined

  constructor(run: (rows: NumberedRow[]) => Promise<void>) {
    this.#run = run
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** Waits while too many batches are running. */
  async add(row: NumberedRow): Promise<void> {
    if (this.#rows.push(row) === BATCH_SIZE) await this.#start()
  }

  /** Runs the remaining rows, unless a batch failed, and waits for all batches. Throws the first failure. */
  async finish(): Promise<void> {
    if (this.#rows.length > 0 && !this.failed) await this.#start()
    await Promise.all(this.#running)
    if (this.#failure) throw this.#failure.error
  }

  async #start(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    const running: Promise<void> = this.#run(rows)
      .catch(error => this.fail(error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    if (this.#running.size >= CONCURRENT_BATCHES) await Promise.race(this.#running)
  }
}

/** @throws AuthError BAD_USER_INPUT if a name stands for a provider that the settings lack */
function renamedIn(
  { config }: App,
  renamed: ReadonlyMap<string, string | null> = new Map(),
): ReadonlyMap<string, string | null> {
  const ids = config.providers.map(({ id }) => id)
  const unknown = [...renamed.values()].find(id => id !== null && !ids.includes(id))
  if (unknown === undefined) return renamed
  throw new AuthError('BAD_USER_INPUT', {
    message: `PROVIDERS has no provider ${JSON.stringify(unknown)}. It has: ${ids.join(', ') || 'none'}.`,
  })
}

/**
 * The reader of public keys. The library that it needs is loaded only for passkeys.
 * @throws AuthError BAD_USER_INPUT for a domain that is not this server's
 */
async function publicKeyReader({ config }: App, rpId: string): Promise<ReadPublicKey> {
  const own = config.passkeys.rpId
  if (rpId !== own) {
    throw new AuthError('BAD_USER_INPUT', {
      message: `The passkeys were created for ${rpId}, but this server’s are for ${own}. Browsers offer passkeys only on their own domain: set PASSKEY_RP_ID=${rpId} if your pages are there, or import the accounts without passkeys.`,
    })
  }
  const { toCosePublicKey } = await import('../../credentials/passkey/public-key.ts')
  return toCosePublicKey
}

/** Read from the database, because roles may have permissions that only the embedding program declares. */
async function loadRoles({ db }: App): Promise<RowOptions['roles']> {
  const roles = await db.role.findMany({ select: { name: true, permissions: true } })
  return new Map(roles.map(({ name, permissions }) => [name, { privileged: permissions.length > 0 }]))
}

function emailOf(value: unknown): { email?: string } {
  return typeof value === 'string' ? { email: value.slice(0, 320) } : {}
}
