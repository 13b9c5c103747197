import pg from 'pg'

/** What a server says about itself. */
export type ServerFacts = {
  /** The process that ran the statement: behind a pooler, not the one whose number the client received. */
  pid: number
  inRecovery: boolean
  readOnly: boolean
  /** A promotion raises it. Undefined if the server does not say. */
  timeline: number | undefined
  /** The cluster: its standbys have the same. */
  systemId: string | undefined
}

// The time line of the log that is being written. The last checkpoint's may be of before the promotion.
const TIMELINE = `CASE WHEN NOT pg_is_in_recovery()
    THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline`
const COMMON = `pg_backend_pid() AS pid, pg_is_in_recovery() AS "inRecovery",
  current_setting('transaction_read_only') = 'on' AS "readOnly"`

/** The statement for most servers. */
export const FACTS = `SELECT ${COMMON}, ${TIMELINE}, (SELECT system_identifier::text FROM pg_control_system()) AS "systemId"`
/** For those that only speak PostgreSQL's language, or hide the log. */
export const FEWER_FACTS = `SELECT ${COMMON}, NULL::int AS timeline, NULL AS "systemId"`

/** undefined_function, undefined_column, insufficient_privilege, feature_not_supported, object_not_in_prerequisite_state, internal_error */
const HIDDEN = new Set(['42883', '42703', '42501', '0A000', '55000', 'XX000'])

/** Runs `before` and asks for the facts in one round trip. */
export async function readFacts(client: pg.ClientBase, before = ''): Promise<ServerFacts> {
  try {
    return lastRow(await client.query(before + FACTS))
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !HIDDEN.has(error.code ?? '')) throw error
    return lastRow(await client.query(before + FEWER_FACTS))
  }
}

/** pg returns an array of results for several statements. */
function lastRow(result: pg.QueryResult | pg.QueryResult[]): ServerFacts {
  const row = [result].flat().at(-1)?.rows[0]
  return { ...row, timeline: row.timeline ?? undefined, systemId: row.systemId ?? undefined }
}
