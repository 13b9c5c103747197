import { once } from 'node:events'
import { createReadStream, createWriteStream, type ReadStream, statSync, type WriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { type ImportField, importFields } from '../admin/import/import-row.ts'
import {
  type ImportReport,
  importUsers,
  type Skipped,
  type SourceRecord,
} from '../admin/import/import-users.ts'
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
  json?: boolean
}

/** Some records were skipped because something is wrong with them. */
const EXIT_SKIPPED = 2
/** As shells say it of a process that SIGINT ended. */
const EXIT_INTERRUPTED = 130

export async function runImport(file: string, options: Options): Promise<void> {
  const format = formatOf(file, options.format)
  const names = namesOf(options.map ?? [])
  const { dryRun, allowAdmin } = options
  if (options.report !== undefined && isSameFile(file, options.report)) {
    throw badUse('The report would overwrite the file that is imported. Give --report another name.')
  }
  const input = await openInput(file)
  const skips = options.report === undefined ? undefined : await SkipFile.open(options.report)
  const stop = new AbortController()
  const onSignal = () => {
    stop.abort()
    // Standard input may be one that never ends.
    input.destroy()
  }
  process.once('SIGINT', onSignal)
  const report = await withApp(app =>
    importUsers(app, withProgress(file, input, readRecords(input, format)), {
      names,
      ...(dryRun && { dryRun }),
      ...(allowAdmin && { allowAdmin }),
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
  throw badUse('Say what the file is with --format jsonl or --format csv.')
}

/** `--map email=mail`: our name first, as a variable is assigned. */
function namesOf(pairs: string[]): Partial<Record<ImportField, string>> {
  const names: Partial<Record<ImportField, string>> = {}
  for (const pair of pairs) {
    const [field = '', name = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    if (!pair.includes('=') || !name || !Object.hasOwn(importFields, field)) {
      throw badUse(
        `--map takes FIELD=COLUMN, such as email=mail. The fields are: ${Object.keys(importFields).join(', ')}.`,
      )
    }
    names[field as ImportField] = name
  }
  return names
}

function badUse(message: string): AuthError {
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

/** Every skipped record as a line of JSON. Addresses are personal: nobody else may read the file. */
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

  write(skipped: Skipped): void {
    this.#stream.write(`${JSON.stringify(skipped)}\n`)
  }

  async close(): Promise<void> {
    this.#stream.end()
    await once(this.#stream, 'close')
  }
}

/** Passes the records on, and shows on a terminal how far they are: by bytes, where the length is known. */
async function* withProgress(
  file: string,
  input: Readable,
  records: AsyncIterable<SourceRecord[]>,
): AsyncGenerator<SourceRecord[]> {
  const progress = startProgress(file === '-' ? 0 : statSync(file).size)
  try {
    let count = 0
    for await (const some of records) {
      count += some.length
      progress.update((input as Partial<ReadStream>).bytesRead ?? 0, count)
      yield some
    }
  } finally {
    progress.stop()
  }
}

function toText(report: ImportReport, file: string | undefined): string {
  const { dryRun, interrupted, read, taken, alreadyThere, skipped, reasons, ignored } = report
  const number = (value: number) => value.toLocaleString('en')
  const of = (reason: ImportReport['reasons'][number]) =>
    `  ${number(reason.count)} × ${reason.reason} (line ${reason.lines.join(', ')}${reason.count > reason.lines.length ? ', …' : ''})`
  return [
    ...(interrupted ? ['Interrupted: run the same command again to go on.'] : []),
    ...(dryRun ? ['Nothing was changed; this is what an import would do.'] : []),
    `Read: ${number(read)}`,
    `Taken: ${number(taken)}`,
    ...(report.withoutPassword
      ? [`  ${number(report.withoutPassword)} without a password: they need a reset`]
      : []),
    ...(report.weakHashes ? [`  ${number(report.weakHashes)} with a weak hash, until they sign in`] : []),
    `Already there: ${number(alreadyThere)}`,
    `Skipped: ${number(skipped)}`,
    ...reasons.map(of),
    ...(skipped > 0 && file === undefined ? ['  (every one of them: --report FILE)'] : []),
    ...(ignored.length > 0 ? [`Columns that mean nothing here (see --map): ${ignored.join(', ')}`] : []),
  ].join('\n')
}
