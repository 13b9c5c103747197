import { readUser, userColumns } from '../accounts/account.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { statement } from '../database/client.ts'
import type { User } from '../generated/prisma/client.ts'
import { type Attempt, COUNT_ATTEMPT, countAttempt } from '../rate-limit/limit.ts'

/** A canonical email address or username, by which an account is found. */
export type Name = { key: 'email' | 'username'; value: string }

const columns = Object.values(userColumns).map(column => `u.${column}`)

/** A refused attempt finds no account. */
const countAndSelectBy = (column: 'email_canonical' | 'username') =>
  statement<[number: number | null, endsAt: Date, fresh: boolean, ...user: unknown[]]>(
    `limit-count-user-by-${column}`,
    `SELECT c.place, c.ends_at, c.fresh, ${columns.join(', ')}
     FROM (SELECT) one LEFT JOIN ${COUNT_ATTEMPT} c ON true LEFT JOIN users u ON u.${column} = $7 AND c.place IS NULL`,
  )

const countAndSelect = { email: countAndSelectBy('email_canonical'), username: countAndSelectBy('username') }
/** The index of the account's first column, its ID. */
const USER = 3

/**
 * Counts an attempt as `countAttempt` does, and returns the account with this name, if there is one, as `findUser`
 * does. One statement does both.
 * @throws LimitHit RATE_LIMITED
 */
export async function countAndFind(
  app: App,
  attempts: Attempt[],
  name: Name | undefined,
  request: RequestInfo,
): Promise<User | undefined> {
  if (!name) {
    await countAttempt(app, attempts, request)
    return undefined
  }
  let found: User | undefined
  await countAttempt(app, attempts, request, undefined, async (connection, parameters) => {
    const [row] = await countAndSelect[name.key](connection, [...parameters, name.value])
    if (row && row[USER] !== null) found = readUser(row, USER)
    return row
  })
  return found
}
