import { accountColumns, toAccount } from '../../accounts/account.ts'
import { findCandidates } from '../../accounts/search-index.ts'
import type { App } from '../../app.ts'
import type { Account } from '../../context.ts'
import { isId } from '../../database/client.ts'
import { isPosition, keyset, type SortKey } from '../../database/keyset.ts'
import { isTime } from '../../input.ts'
import { connectionOf, type Page, type PageArguments, pageOf } from '../../pagination.ts'
import { countUsers } from './user-count.ts'
import { type Conditions, conditionsOf, type UserSelection } from './user-filter.ts'

export const UserOrderField = {
  CREATED_AT: 'CREATED_AT',
  NAME: 'NAME',
  EMAIL: 'EMAIL',
  LAST_LOGIN_AT: 'LAST_LOGIN_AT',
} as const
export type UserOrderField = keyof typeof UserOrderField

export const OrderDirection = { ASC: 'ASC', DESC: 'DESC' } as const
export type OrderDirection = keyof typeof OrderDirection

export type UserOrder = { field: UserOrderField; direction: OrderDirection }

/** Sorts before every sign-in. */
const NEVER = '-infinity'

type Key = SortKey<Account>

/** PostgreSQL rejects U+0000. */
const isText = (key: string) => !key.includes('\0')

const byId: Key = { column: 'u.id', type: 'uuid', of: account => account.id, isValid: isId }

const ORDERS: Record<UserOrderField, Key[]> = {
  CREATED_AT: [
    {
      column: 'u.created_at',
      type: 'timestamptz',
      of: account => account.createdAt.toISOString(),
      isValid: isTime,
    },
    byId,
  ],
  NAME: [
    {
      // Only the database lowercases, so that both sides of a comparison follow its rules.
      column: 'lower(coalesce(u.display_name, u.username, u.email))',
      type: 'text',
      of: account => account.displayName ?? account.username ?? account.email,
      bound: name => `lower(${name})`,
      isValid: isText,
    },
    byId,
  ],
  EMAIL: [
    {
      column: 'u.email_canonical',
      type: 'text',
      of: account => account.emailCanonical,
      isValid: isText,
    },
  ],
  LAST_LOGIN_AT: [
    {
      column: `coalesce(u.last_login_at, '${NEVER}')`,
      type: 'timestamptz',
      of: account => account.lastLoginAt?.toISOString() ?? NEVER,
      isValid: key => key === NEVER || isTime(key),
    },
    byId,
  ],
}

/** Number of accounts scanned in order before the search index is used; enough for a common term. */
const SCAN_SIZE = 1000
/** This many accounts can be fetched by ID within 0.2 s. For a more common term, scanning in order soon finds a match. */
const CANDIDATES_MAX = 30_000

/**
 * A page of accounts. Keyset pagination keeps its time independent of the number of accounts, and its result correct
 * while accounts are created and deleted.
 * @throws AuthError BAD_USER_INPUT, also for a cursor of another order
 */
export async function userPage(app: App, selection: UserSelection, order: UserOrder, args: PageArguments) {
  const { field, direction } = order
  const keys = ORDERS[field]
  const name = `${field} ${direction}`
  const page = pageOf(args, ([of, ...position]) => of === name && isPosition(keys, position))
  const fetched = await fetchPage(app, conditionsOf(app, selection), page, order)
  const totalCount = () => countUsers(app.pool, conditionsOf(app, selection))
  return connectionOf(page, fetched, totalCount, account => [name, ...keys.map(key => key.of(account))])
}

/** Fetches the page and one more account, which tells whether another page follows. */
async function fetchPage(
  app: App,
  { values, filters, search }: Conditions,
  page: Page,
  { field, direction }: UserOrder,
): Promise<Account[]> {
  const keys = ORDERS[field]
  const { between, by } = keyset(keys, direction === 'ASC', page, values)
  const query: PageQuery = {
    keys,
    values,
    where: [filters, ...between].join(' AND '),
    orderBy: by,
    limit: page.size + 1,
  }
  return search ? searchInOrder(app, query, search) : fetchInOrder(app, query, query.where)
}

type PageQuery = {
  keys: Key[]
  values: unknown[]
  /** The filters and the bounds of the page. */
  where: string
  /** The sort order as SQL, by the given columns instead of the keys' own if there are any. */
  orderBy: (columns?: string[]) => string
  limit: number
}

function fetchInOrder(app: App, query: PageQuery, where: string): Promise<Account[]> {
  const { orderBy, limit } = query
  return fetchByIds(
    app,
    query,
    `SELECT u.id FROM users u WHERE ${where} ORDER BY ${orderBy()} LIMIT ${limit}`,
  )
}

/** `ids` is SQL that selects IDs; `candidates` is the value of its last parameter. */
async function fetchByIds(
  app: App,
  { values, orderBy }: PageQuery,
  ids: string,
  candidates?: string,
): Promise<Account[]> {
  const { rows } = await app.pool.query<unknown[]>({
    text: `SELECT ${accountColumns.join(', ')} FROM users u
      WHERE u.id = ANY (ARRAY(${ids})) ORDER BY ${orderBy()}`,
    values: candidates ? [...values, candidates] : values,
    rowMode: 'array',
  })
  return rows.map(row => toAccount(app, row))
}

/** Scans some accounts in order for a common term; if that is not enough, asks the search index for a rare one. */
async function searchInOrder(
  app: App,
  query: PageQuery,
  { term, matches }: NonNullable<Conditions['search']>,
): Promise<Account[]> {
  const { keys, values, where, orderBy, limit } = query
  const keyColumns = keys.map(({ column }, index) => `${column} AS key${index}`).join(', ')
  const searched = `u.id, u.email, u.username, u.display_name, ${keyColumns}`
  const orderByKey = orderBy(keys.map((_, index) => `u.key${index}`))
  const matchesIn = (from: string) =>
    `SELECT u.id FROM ${from} u WHERE ${matches} ORDER BY ${orderByKey} LIMIT ${limit}`
  const { rows } = await app.pool.query<unknown[]>({
    text: `WITH scanned AS MATERIALIZED (
       SELECT ${searched} FROM users u WHERE ${where} ORDER BY ${orderBy()} LIMIT ${SCAN_SIZE}
     )
     SELECT (SELECT count(*)::int FROM scanned), ${accountColumns.join(', ')}
     FROM (SELECT) one LEFT JOIN users u ON u.id = ANY (ARRAY(${matchesIn('scanned')})) ORDER BY ${orderBy()}`,
    values,
    rowMode: 'array',
  })
  const scanned = rows[0]?.[0] as number
  const found = rows.filter(([, id]) => id !== null)
  if (scanned < SCAN_SIZE || found.length === limit) return found.map(row => toAccount(app, row, 1))
  const candidates = await findCandidates(app.pool, term, CANDIDATES_MAX)
  if (!candidates) return fetchInOrder(app, query, `${where} AND ${matches}`)
  // OFFSET 0 keeps the planner from scanning all accounts in order in the hope of meeting candidates early.
  const among = `(SELECT ${searched} FROM users u WHERE u.id = ANY ($${values.length + 1}::uuid[]) AND ${where} OFFSET 0)`
  return fetchByIds(app, query, matchesIn(among), candidates)
}
