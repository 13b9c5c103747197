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
  EMAIL: 'EMAIL',
  LAST_LOGIN_AT: 'LAST_LOGIN_AT',
} as const
export type UserOrderField = keyof typeof UserOrderField

export const OrderDirection = { ASC: 'ASC', DESC: 'DESC' } as const
export type OrderDirection = keyof typeof OrderDirection

export type UserOrder = { field: UserOrderField; direction: OrderDirection }

/** Older than every sign-in. */
const NEVER = '-infinity'

type Key = SortKey<Account>

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
  EMAIL: [
    {
      column: 'u.email_canonical',
      type: 'text',
      of: account => account.emailCanonical,
      isValid: key => !key.includes('\0'),
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

/** So many accounts are looked at in their order before the index is asked: enough for a term that many have. */
const SCAN = 1000
/** So many are fetched one by one within 0.2 s. Of a term that more have than this, the next in order are not far. */
const CANDIDATES_MAX = 30_000

/**
 * A page of the accounts, the latest made first unless told otherwise, by keyset: the time for it does not grow with
 * the number of accounts, and it stays right while accounts come and go.
 * @throws AuthError BAD_USER_INPUT, also for a cursor of another order
 */
export async function userPage(app: App, selection: UserSelection, order: UserOrder, args: PageArguments) {
  const { field, direction } = order
  const keys = ORDERS[field]
  const name = `${field} ${direction}`
  const page = pageOf(args, ([of, ...position]) => of === name && isPosition(keys, position))
  const fetched = await fetchPage(app, conditionsOf(selection), page, order)
  const totalCount = () => countUsers(app.pool, conditionsOf(selection))
  return connectionOf(page, fetched, totalCount, account => [name, ...keys.map(key => key.of(account))])
}

/** One account more than the page has, from the end that it was asked from. */
async function fetchPage(
  app: App,
  { values, filters, search }: Conditions,
  page: Page,
  { field, direction }: UserOrder,
): Promise<Account[]> {
  const keys = ORDERS[field]
  const columns = keys.map(key => key.column)
  const bounds = keyset(keys, direction === 'ASC', page, values)
  const between = [filters, ...bounds.between].join(' AND ')
  const { by } = bounds
  const count = page.size + 1
  const inOrder = (where: string) => `SELECT u.id FROM users u WHERE ${where} ORDER BY ${by()} LIMIT ${count}`

  const query = async (text: string, ...more: unknown[]): Promise<unknown[][]> =>
    (await app.pool.query<unknown[]>({ text, values: [...values, ...more], rowMode: 'array' })).rows
  const fetch = async (ids: string, ...more: unknown[]): Promise<Account[]> => {
    const text = `SELECT ${accountColumns.join(', ')} FROM users u
      WHERE u.id = ANY (ARRAY(${ids})) ORDER BY ${by()}`
    return (await query(text, ...more)).map(row => toAccount(app, row))
  }
  if (!search) return fetch(inOrder(between))

  const { term, matches } = search
  const looked = `u.id, u.email, u.username, u.display_name, ${columns.map((column, at) => `${column} AS key${at}`)}`
  const matching = (from: string) =>
    `SELECT u.id FROM ${from} u WHERE ${matches} ORDER BY ${by(keys.map((_, at) => `u.key${at}`))} LIMIT ${count}`
  const rows = await query(
    `WITH scanned AS MATERIALIZED (
       SELECT ${looked} FROM users u WHERE ${between} ORDER BY ${by()} LIMIT ${SCAN}
     )
     SELECT (SELECT count(*)::int FROM scanned), ${accountColumns.join(', ')}
     FROM (SELECT) one LEFT JOIN users u ON u.id = ANY (ARRAY(${matching('scanned')})) ORDER BY ${by()}`,
  )
  const scanned = rows[0]?.[0] as number
  const found = rows.filter(([, id]) => id !== null)
  if (scanned < SCAN || found.length === count) return found.map(row => toAccount(app, row, 1))
  const candidates = await findCandidates(app.pool, term, CANDIDATES_MAX)
  if (!candidates) return fetch(inOrder(`${between} AND ${matches}`))
  // OFFSET: or else the planner might go through all accounts in order, in the hope of meeting them soon.
  const among = `(SELECT ${looked} FROM users u WHERE u.id = ANY ($${values.length + 1}::uuid[]) AND ${between} OFFSET 0)`
  return fetch(matching(among), candidates)
}
