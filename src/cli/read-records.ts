import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { parse } from 'csv-parse'
import type { SourceRecord } from '../admin/import/import-users.ts'

export type Format = 'jsonl' | 'csv'

/** Longer records are not accounts. */
const RECORD_MAX_LENGTH = 1024 ** 2
const TOO_LONG = 'The record is longer than a megabyte.'

/** The records of a stream, some at a time, in bounded memory. */
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
    // The parser's message quotes the line, which has a hash in it.
  }
  return { line, problem: 'The line is not a JSON object.' }
}

/** Lines without their ends, some at a time; undefined for one that is too long to keep. */
async function* readLines(stream: Readable): AsyncGenerator<(string | undefined)[]> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let tooLong = false
  let first = true
  const finish = (line: string) => {
    const whole = tooLong ? undefined : line
    tooLong = false
    return whole
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

const RECORDS_AT_ONCE = 500

async function* readCsv(stream: Readable): AsyncGenerator<SourceRecord[]> {
  let records: SourceRecord[] = []
  const parser = parse({
    bom: true,
    columns: true,
    info: true,
    max_record_size: RECORD_MAX_LENGTH,
    skip_empty_lines: true,
    // Such as too many columns; the next line can be read all the same.
    skip_records_with_error: true,
    on_skip: error => {
      records.push({
        line: Number(error?.lines ?? 0),
        problem: 'The record has not as many columns as the first line, or a quote in the wrong place.',
      })
      return undefined
    },
  })
  stream.on('error', error => parser.destroy(error))
  // A source that is closed before its end, as Ctrl-C does, would leave the parser waiting. Half a record is no record.
  stream.on('close', () => stream.readableEnded || parser.destroy(new Error('The source was closed.')))
  stream.pipe(parser)
  for await (const { info, record } of parser as AsyncIterable<{
    info: { lines: number }
    record: Record<string, string>
  }>) {
    const count = records.push({ line: info.lines, fields: record })
    // Nothing stays behind while the source has no more to read: an interruption must find it taken.
    if (count < RECORDS_AT_ONCE && parser.readableLength > 0) continue
    const full = records
    records = []
    yield full
  }
  yield records
}
