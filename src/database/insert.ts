/** Maps the fields of a record to the columns of its table. */
export type Columns<Field extends string = string> = Readonly<Record<Field, string>>

/**
 * SQL that inserts the records in the JSON parameter `$parameter` (see `toRows`), once for each row of the CTE
 * `guard`; if that has no rows, nothing is inserted. The statement names its columns, so that a column added by a
 * newer version keeps its default. `computed` replaces columns with SQL expressions over the record `r` and the guard.
 */
export function insertSql(
  table: string,
  columns: Columns,
  parameter: number,
  guard?: string,
  computed: Record<string, string> = {},
): string {
  const names = [...new Set([...Object.values(columns), ...Object.keys(computed)])]
  return `INSERT INTO ${table} (${names.join(', ')})
    SELECT ${names.map(name => computed[name] ?? `r.${name}`).join(', ')}
    FROM ${guard ? `${guard}, ` : ''}jsonb_populate_recordset(NULL::${table}, $${parameter}::jsonb) r`
}

/** Converts records to the JSON that `insertSql` reads. */
export function toRows<Field extends string>(
  columns: Columns<Field>,
  ...records: Record<Field, unknown>[]
): string {
  const entries = entriesOf(columns)
  return `[${records.map(record => `{${fieldsOf(entries, record)}}`).join()}]`
}

/** As `toRows`, for one record whose columns are in several parts: copying them into one object costs more than this. */
export function toRowOfParts(
  ...parts: readonly [columns: Columns, record: Record<string, unknown>][]
): string {
  const fields = parts.map(([columns, record]) => fieldsOf(entriesOf(columns), record))
  return `[{${fields.filter(Boolean).join()}}]`
}

/** Fields, with the names of their columns as keys of JSON. */
type Entries = readonly (readonly [field: string, key: string])[]

const knownEntries = new WeakMap<Columns, Entries>()

function entriesOf(columns: Columns): Entries {
  const known = knownEntries.get(columns)
  if (known) return known
  const entries = Object.entries(columns).map(([field, name]) => [field, `"${name}":`] as const)
  knownEntries.set(columns, entries)
  return entries
}

/** Written as text: an object that grows by each of its fields costs several times as much. */
function fieldsOf(entries: Entries, record: Record<string, unknown>): string {
  let row = ''
  for (const [field, key] of entries) {
    const value = record[field]
    // Absent fields become null.
    if (value === null || value === undefined) continue
    if (row !== '') row += ','
    row += key + toJson(value)
  }
  return row
}

/** Bytes are in PostgreSQL's hex format for bytea. */
function toJson(value: unknown): string | undefined {
  if (value instanceof Date) return `"${isoOf(value)}"`
  if (value instanceof Uint8Array) {
    const { buffer, byteOffset, byteLength } = value
    return `"\\\\x${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}"`
  }
  return JSON.stringify(value)
}

/** More than the times of a session. */
const TIMES = 8
const knownMs = new Float64Array(TIMES).fill(Number.NaN)
const knownIso: string[] = new Array(TIMES).fill('')
let latest = 0

/** Most times of a row, and of the rows that are created with it, are the same few. */
function isoOf(time: Date): string {
  const ms = time.getTime()
  for (let index = 0; index < TIMES; index++) {
    if (knownMs[index] === ms) return knownIso[index] as string
  }
  const iso = time.toISOString()
  latest = (latest + 1) % TIMES
  knownMs[latest] = ms
  knownIso[latest] = iso
  return iso
}
