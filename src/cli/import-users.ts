import { once } from 'node:events'
import { createReadStream, createWriteStream, type ReadStream, statSync, type WriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { FieldNames } from '../admin/import/field-reader.ts'
import type { ImportReport, SkippedRecord } from '../admin/import/import-report.ts'
import { type ImportField, importFields } from '../admin/import/import-row.ts'
import { importUsers, type SourceRecord } from '../admin/import/import-users.ts'
import { AuthError } from '../errors.ts'
import { print } from './print.ts'
import { startProgress } from './progress.ts'
import { type Format, readRecords } from './read-records.ts'
import { withApp } from './with-app.ts'

type Options = {
  format?: Format
  map?: string[]
  report?: string
  dryRun?: boolean
  allowAdmin?: boolean
  rpId?: string
  provider?: string[]
  withoutProvider?: string[]
  json?: boolean
}

/** Some records were skipped because of problems. */
const EXIT_SKIPPED = 2
/** The exit code that shells report for a process ended by SIGINT. */
const EXIT_INTERRUPTED = 130

export async function runImport(file: string, options: Options): Promise<void> {
  const format = formatOf(file, options.format)
  const names = namesOf(options.map ?? [])
  const providers = providersOf(options)
  const { dryRun, allowAdmin, rpId } = options
  if (options.report !== undefined && isSameFile(file, options.report)) {
    throw usageError('The report would overwrite the imported file. Choose another name for --report.')
  }
  const input = await openInput(file)
  const skips = options.report === undefined ? undefined : await SkipFile.open(options.report)
  const stop = new AbortController()
  const onSignal = () => {
    stop.abort()
    // Standard input may never end.
    input.destroy()
  }
  process.once('SIGINT', onSignal)
  const report = await withApp(app =>
    importUsers(app, withProgress(file, input, readRecords(input, format)), {
      names,
      providers,
      ...(dryRun && { dryRun }),
      ...(allowAdmin && { allowAdmin }),
      ...(rpId !== undefined && { rpId }),
      ...(skips && { onSkip: skipped => skips.write(skipped) }),
      signal: stop.signal,
    }),
  ).finally(async () => {
    process.off('SIGINT', onSignal)
    input.destroy()
    await skips?.close()
  })
  print(toText(report, options.report), report, options.json)
  if (report.interrupted) process.exitCode = EXIT_INTERRUPTED
  else if (report.skipped > 0) process.exitCode = EXIT_SKIPPED
}

function formatOf(file: string, given: Format | undefined): Format {
  const format = given ?? /\.(jsonl|ndjson|csv)$/i.exec(file)?.[1]?.toLowerCase()
  if (format === 'csv') return 'csv'
  if (format === 'jsonl' || format === 'ndjson') return 'jsonl'
  throw usageError('Can’t tell the format of the file. Add --format jsonl or --format csv.')
}

/** Reads `--map FIELD=COLUMN`, in the order of an assignment. */
function namesOf(pairs: string[]): FieldNames {
  const names: FieldNames = {}
  for (const pair of pairs) {
    const [field = '', name = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    if (!pair.includes('=') || !name || !Object.hasOwn(importFields, field)) {
      throw usageError(
        `Write --map as FIELD=COLUMN, such as email=mail. Fields: ${Object.keys(importFields).join(', ')}.`,
      )
    }
    names[field as ImportField] = name
  }
  return names
}

/** Reads `--provider THEIRS=OURS` and `--without-provider THEIRS`. */
function providersOf({ provider = [], withoutProvider = [] }: Options): ReadonlyMap<string, string | null> {
  const renamed = new Map<string, string | null>(withoutProvider.map(name => [name, null]))
  for (const pair of provider) {
    const at = pair.lastIndexOf('=')
    if (at < 1 || at === pair.length - 1) {
      throw usageError('Write --provider as THEIR_NAME=OUR_NAME, such as google.com=google.')
    }
    renamed.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return renamed
}

function usageError(message: string): AuthError {
  return new AuthError('BAD_USER_INPUT', { message })
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map(file => statSync(file, { throwIfNoEntry: false }))
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev
}

async function openInput(file: string): Promise<Readable> {
  if (file === '-') return process.stdin
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 })
  await once(stream, 'open')
  return stream
}

/** Writes every skipped record as a line of JSON. Only the user can read the file, because it contains addresses. */
class SkipFile {
  readonly #stream: WriteStream

  private constructor(stream: WriteStream) {
    this.#stream = stream
  }

  static async open(file: string): Promise<SkipFile> {
    const stream = createWriteStream(file, { mode: 0o600 })
    await once(stream, 'open')
    return new SkipFile(stream)
  }

  write(skipped: SkippedRecord): void {
    this.#stream.write(`${JSON.stringify(skipped)}\n`)
  }

  async close(): Promise<void> {
    this.#stream.end()
    await once(this.#stream, 'close')
  }
}

/** Yields the records and shows progress on a terminal, by bytes if the length is known. */
async function* withProgress(
  file: string,
  input: Readable,
  records: AsyncIterable<SourceRecord[]>,
): AsyncGenerator<SourceRecord[]> {
  const progress = startProgress(file === '-' ? 0 : statSync(file).size)
  try {
    let count = 0
    for await (const batch of records) {
      count += batch.length
      progress.update((input as Partial<ReadStream>).bytesRead ?? 0, count)
      yield batch
    }
  } finally {
    progress.stop()
  }
}

function toText(report: ImportReport, file: string | undefined): string {
  const { dryRun, interrupted, read, taken, alreadyThere, skipped, reasons, ignored } = report
  const number = (value: number) => value.toLocaleString('en')
  const reasonLine = (reason: ImportReport['reasons'][number]) =>
    `  ${number(reason.count)} × ${reason.reason} (line ${reason.lines.join(', ')}${reason.count > reason.lines.length ? ', …' : ''})`
  return [
    ...(interrupted ? ['Interrupted. Run the same command again to continue.'] : []),
    ...(dryRun ? ['Dry run: nothing was changed. This is what an import would do:'] : []),
    `Read: ${number(read)}`,
    `Imported: ${number(taken)}`,
    ...(report.withoutPassword
      ? [`  ${number(report.withoutPassword)} without a password; their owners must reset it`]
      : []),
    ...(report.weakHashes
      ? [`  ${number(report.weakHashes)} with a weak password hash until their owners sign in`]
      : []),
    ...(report.withTotp ? [`  ${number(report.withTotp)} with an authenticator app`] : []),
    ...(report.passkeys ? [`  ${number(report.passkeys)} passkeys and security keys`] : []),
    ...(report.passkeysInUse
      ? [`  ${number(report.passkeysInUse)} passkeys left out, because another account has them`]
      : []),
    ...(report.identities ? [`  ${number(report.identities)} identities at providers`] : []),
    ...(report.identitiesInUse
      ? [`  ${number(report.identitiesInUse)} identities left out, because another account has them`]
      : []),
    `Already existed: ${number(alreadyThere)}`,
    `Skipped: ${number(skipped)}`,
    ...reasons.map(reasonLine),
    ...(skipped > 0 && file === undefined ? ['  (to list all of them, add --report FILE)'] : []),
    ...(ignored.length > 0 ? [`Ignored columns (see --map): ${ignored.join(', ')}`] : []),
  ].join('\n')
}
