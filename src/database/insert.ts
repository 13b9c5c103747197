/** The columns of a table by the fields of its records. */
export type Columns<Field extends string = string> = Readonly<Record<Field, string>>

/**
 * SQL that inserts the records of the JSON parameter `$parameter` (see `toRows`), once for each row of
 * `guard`, the name of a CTE: where that is empty, nothing is inserted. Columns are named, so that a
 * column that a newer version adds keeps its default. `computed` columns are SQL over the record `r` and the
 * guard in place of what the record says.
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

/** Records as the JSON that `insertSql` reads. */
export function toRows<Field extends string>(
  columns: Columns<Field>,
  ...records: Record<Field, unknown>[]
): string {
  const entries = Object.entries(columns) as [Field, string][]
  const rows = records.map(record => {
    const row: Record<string, unknown> = {}
    // What is absent is null there.
    for (const [field, name] of entries) if (record[field] !== null) row[name] = toJson(record[field])
    return row
  })
  return JSON.stringify(rows)
}

/** Bytes as PostgreSQL's hex notation of bytea. */
function toJson(value: unknown): unknown {
  return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value
}
