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
  const entries = Object.entries(columns) as [Field, string][]
  const rows = records.map(record => {
    const row: Record<string, unknown> = {}
    // Absent fields become null.
    for (const [field, name] of entries) if (record[field] !== null) row[name] = toJson(record[field])
    return row
  })
  return JSON.stringify(rows)
}

/** Converts bytes to PostgreSQL's hex format for bytea. */
function toJson(value: unknown): unknown {
  return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value
}
