import { type Account, accountColumns, toAccount } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { isId } from '../database/client.ts'
import { isTime } from '../input.ts'
import {
  connectionOf,
  foreignCursor,
  isPlace,
  keyset,
  type Page,
  type PageArguments,
  pageOf,
  type SortKey,
} from '../pagination.ts'
import { findCandidates } from './search.ts'
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
/** Of a term that more have than this, the next in order are not far. */
const CANDIDATES_MAX = 5000

/**
 * A page of the accounts, the latest made first unless told otherwise, by keyset: the time for it does not grow with
 * the number of accounts, and it stays right while accounts come and go.
 * @throws AuthError BAD_USER_INPUT, also for a cursor of another order
 */
export async function userPage(app: App, selection: UserSelection, order: UserOrder, args: PageArguments) {
  const { field, direction } = order
  const keys = ORDERS[field]
  const name = `${field} ${direction}`
  const page = pageOf(args, keys.length + 1)
  for (const place of ['after', 'before'] as const) {
    const cursor = page[place]
    if (cursor && !(cursor[0] === name && isPlace(keys, cursor))) throw foreignCursor(place)
  }
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

  const fetch = async (ids: string, ...more: unknown[]): Promise<Account[]> => {
    const text = `SELECT ${accountColumns.join(', ')} FROM users u
      WHERE u.id = ANY (ARRAY(${ids})) ORDER BY ${by()}`
    const { rows } = await app.pool.query<unknown[]>({ text, values: [...values, ...more], rowMode: 'array' })
    return rows.map(row => toAccount(app, row))
  }
  if (!search) return fetch(inOrder(between))

  const { term, matches } = search
  const found = await fetch(
    `SELECT u.id FROM (
       SELECT u.id, u.email, u.username, u.display_name, ${columns.map((column, at) => `${column} AS key${at}`)}
       FROM users u WHERE ${between} ORDER BY ${by()} LIMIT ${SCAN}
     ) u WHERE ${matches} ORDER BY ${by(keys.map((_, at) => `u.key${at}`))} LIMIT ${count}`,
  )
  if (found.length === count) return found
  const candidates = await findCandidates(app.pool, term, CANDIDATES_MAX)
  const everything = `${between} AND ${matches}`
  return candidates
    ? fetch(inOrder(`u.id = ANY ($${values.length + 1}::uuid[]) AND ${everything}`), candidates)
    : fetch(inOrder(everything))
}
