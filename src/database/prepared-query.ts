import pg from 'pg'
import { types } from './timestamp.ts'

/** What a query uses of pg's connection, which its types leave out. */
type Wire = {
  stream: { cork(): void; uncork(): void }
  /** The texts of the statements that PostgreSQL has parsed, by name. pg keeps it. */
  parsedStatements: Record<string, string | undefined>
  parse(statement: { name: string; text: string; types: undefined }): void
  bind(execution: { statement: string; values: readonly Parameter[] }): void
  describe(portal: { type: 'P'; name: '' }): void
  execute(portal: undefined): void
  sync(): void
}

type Parameter = string | Buffer | null
type Parse = (text: string) => unknown
type Done<Row> = (error: Error | null | undefined, result?: { rows: Row[] }) => void

/** How the columns of the statements are read, by name. The columns of a statement never change. */
const columnsOf = new WeakMap<Wire, Map<string, Parse[]>>()

/**
 * One execution of a prepared statement, in the form in which pg takes queries of other classes. pg's own class asks
 * PostgreSQL to describe the columns at every execution; this one asks once per connection. With the copies that it
 * leaves out, a statement takes a third less of the processor's time.
 *
 * Its fields are also what pg takes for a query of its own, as which `shareConnection` of pooler.ts runs a copy without the
 * name where names cannot be used.
 */
class PreparedQuery<Row extends unknown[]> {
  readonly name: string
  readonly text: string
  readonly values: readonly Parameter[]
  readonly rowMode = 'array'
  /** Set by pg. */
  callback: Done<Row> | undefined
  readonly #rows: Row[] = []
  #columns: Parse[] | undefined
  #wire: Wire | undefined
  #failure: Error | undefined

  constructor(name: string, text: string, values: readonly unknown[]) {
    this.name = name
    this.text = text
    this.values = values.map(toParameter)
  }

  /** Called by pg when the connection is free. An error that it returns fails the query. */
  submit(connection: pg.Connection): Error | null {
    const wire = connection as unknown as Wire
    const { name, text } = this
    const parsed = wire.parsedStatements[name]
    if (parsed !== undefined && parsed !== text) return new Error(`Two statements are named ${name}`)
    this.#wire = wire
    this.#columns = columnsOf.get(wire)?.get(name)
    // One write for all messages.
    wire.stream.cork()
    if (parsed === undefined) wire.parse({ name, text, types: undefined })
    wire.bind({ statement: name, values: this.values })
    if (!this.#columns) wire.describe({ type: 'P', name: '' })
    wire.execute(undefined)
    wire.sync()
    wire.stream.uncork()
    return null
  }

  handleRowDescription({ fields }: { fields: { dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID, 'text') as Parse)
    if (!this.#wire) return
    const known = columnsOf.get(this.#wire) ?? new Map<string, Parse[]>()
    columnsOf.set(this.#wire, known.set(this.name, this.#columns))
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#failure) return
    try {
      const columns = this.#columns ?? []
      // The length is known, so the array is allocated once.
      const row = new Array<unknown>(fields.length)
      for (let index = 0; index < fields.length; index++) {
        const text = fields[index]
        row[index] = text == null ? null : columns[index]?.(text)
      }
      this.#rows.push(row as Row)
    } catch (error) {
      this.#failure = error as Error
    }
  }

  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}

  handleError(error: Error): void {
    this.callback?.(error)
  }

  handleReadyForQuery(): void {
    if (this.#failure) this.callback?.(this.#failure)
    else this.callback?.(null, { rows: this.#rows })
  }
}

const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): Parameter } }).utils

/** The value as PostgreSQL reads it. pg writes a time in the server's time zone, field by field. */
function toParameter(value: unknown): Parameter {
  if (typeof value === 'string') return value
  return value instanceof Date ? value.toISOString() : prepareValue(value)
}

/** Executes a prepared statement on a connection, or on any of the pool. Each row is an array of its columns. */
export async function runPrepared<Row extends unknown[]>(
  connection: pg.Pool | pg.PoolClient,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const query = new PreparedQuery<Row>(name, text, values)
  const run = connection.query as unknown as (query: PreparedQuery<Row>, done: Done<Row>) => unknown
  try {
    return await new Promise((resolve, reject) => {
      const answer = run.call(connection, query, (error, result) =>
        error ? reject(error) : resolve(result?.rows ?? []),
      )
      // A stand-in for a pool, such as the one of a test context, need not know of callbacks.
      if (answer instanceof Promise) answer.then(({ rows }: { rows: Row[] }) => resolve(rows), reject)
    })
  } catch (error) {
    // An error of PostgreSQL is created where its answer is read, which says nothing about who asked.
    if (error instanceof Error) Error.captureStackTrace(error)
    throw error
  }
}
