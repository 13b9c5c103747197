import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { parse } from 'csv-parse'
import type { SourceRecord } from '../admin/import/import-users.ts'

export type Format = 'jsonl' | 'csv'

/** No account needs a longer record. */
const RECORD_MAX_LENGTH = 1024 ** 2
const TOO_LONG = 'The record is longer than 1 MiB.'

/** Reads the records of a stream in batches, in bounded memory. */
export function readRecords(stream: Readable, format: Format): AsyncIterable<SourceRecord[]> {
  return format === 'csv' ? readCsv(stream) : readJsonLines(stream)
}

async function* readJsonLines(stream: Readable): AsyncGenerator<SourceRecord[]> {
  let line = 0
  for await (const lines of readLines(stream)) {
    const records: SourceRecord[] = []
    for (const text of lines) {
      line++
      if (text === undefined) records.push({ line, problem: TOO_LONG })
      else if (text.trim() !== '') records.push(toRecord(line, text))
    }
    yield records
  }
}

function toRecord(line: number, text: string): SourceRecord {
  try {
    const fields: unknown = JSON.parse(text)
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) {
      return { line, fields: fields as Record<string, unknown> }
    }
  } catch {
    // The parser's message is dropped: it quotes the line, which may contain a password hash.
  }
  return { line, problem: 'The line is not a JSON object.' }
}

/** Reads lines in batches, without line breaks. Lines that are too long are undefined. */
async function* readLines(stream: Readable): AsyncGenerator<(string | undefined)[]> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let tooLong = false
  let first = true
  const finish = (line: string) => {
    const complete = tooLong ? undefined : line
    tooLong = false
    return complete
  }
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let text = decoder.write(chunk)
    if (first) text = text.replace(/^\uFEFF/, '')
    first = false
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (lines.length > 0) yield lines.map(finish)
    if (rest.length > RECORD_MAX_LENGTH) {
      tooLong = true
      rest = ''
    }
  }
  rest += decoder.end()
  if (rest !== '' || tooLong) yield [finish(rest)]
}

const BATCH_SIZE = 500

async function* readCsv(stream: Readable): AsyncGenerator<SourceRecord[]> {
  let records: SourceRecord[] = []
  const parser = parse({
    bom: true,
    columns: true,
    info: true,
    max_record_size: RECORD_MAX_LENGTH,
    skip_empty_lines: true,
    // For example, a record with too many columns. The next one can still be read.
    skip_records_with_error: true,
    on_skip: error => {
      records.push({
        line: Number(error?.lines ?? 0),
        problem: 'The record has a different number of columns than the first line, or a misplaced quote.',
      })
      return undefined
    },
  })
  stream.on('error', error => parser.destroy(error))
  // Without this, the parser would wait forever for a source that is closed early, for example by Ctrl-C.
  stream.on('close', () => stream.readableEnded || parser.destroy(new Error('The source was closed.')))
  stream.pipe(parser)
  for await (const { info, record } of parser as AsyncIterable<{
    info: { lines: number }
    record: Record<string, string>
  }>) {
    const count = records.push({ line: info.lines, fields: record })
    // Records never wait for more input: an interruption must not lose any that were read.
    if (count < BATCH_SIZE && parser.readableLength > 0) continue
    const batch = records
    records = []
    yield batch
  }
  yield records
}
