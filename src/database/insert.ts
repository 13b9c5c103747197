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
  return `[${records.map(record => toRow(entries, record)).join()}]`
}

const knownEntries = new WeakMap<Columns, [field: string, name: string][]>()

function entriesOf(columns: Columns): [field: string, name: string][] {
  const entries = knownEntries.get(columns) ?? Object.entries(columns)
  knownEntries.set(columns, entries)
  return entries
}

/** Written as text: an object that grows by each of its fields costs several times as much. */
function toRow(entries: [field: string, name: string][], record: Record<string, unknown>): string {
  let row = ''
  for (const [field, name] of entries) {
    const value = record[field]
    // Absent fields become null.
    if (value !== null && value !== undefined) row += `${row && ','}"${name}":${toJson(value)}`
  }
  return `{${row}}`
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

let latestMs = Number.NaN
let latestIso = ''

/** Most times of a row, and of the rows that are created with it, are the same. */
function isoOf(time: Date): string {
  const ms = time.getTime()
  if (ms !== latestMs) {
    latestIso = time.toISOString()
    latestMs = ms
  }
  return latestIso
}
