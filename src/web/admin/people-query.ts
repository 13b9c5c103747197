import type { AuthClient } from '../../client/index.ts'
import {
  type UserFilter,
  UserListDocument,
  type UserListQuery,
  type UserOrder,
} from '../generated/graphql.ts'
import { allPages, PAGE_SIZE } from './all-pages.ts'
import type { ListState } from './list-state.ts'

/** A row of the list of people. */
export type Row = UserListQuery['users']['nodes'][number]

export const DEFAULT_ORDER = 'newest'

/** The orders of the list by their names in the address. */
export const ORDERS = {
  newest: { field: 'CREATED_AT', direction: 'DESC' },
  oldest: { field: 'CREATED_AT', direction: 'ASC' },
  byName: { field: 'NAME', direction: 'ASC' },
  byNameDown: { field: 'NAME', direction: 'DESC' },
  byEmail: { field: 'EMAIL', direction: 'ASC' },
  byEmailDown: { field: 'EMAIL', direction: 'DESC' },
  lastSeen: { field: 'LAST_LOGIN_AT', direction: 'DESC' },
  longUnseen: { field: 'LAST_LOGIN_AT', direction: 'ASC' },
} as const satisfies Record<string, UserOrder>

export const STATES = {
  active: { disabled: false },
  disabled: { disabled: true },
  unverified: { emailVerified: false },
} as const satisfies Record<string, UserFilter>

export const FACTORS = {
  yes: { hasSecondFactor: true },
  no: { hasSecondFactor: false },
} as const satisfies Record<string, UserFilter>

/** What the address selects, and in which order. */
export function selectionOf(state: Pick<ListState, 'get'>): { filter: UserFilter; orderBy: UserOrder } {
  const [search, role] = [state.get('search'), state.get('role')]
  return {
    filter: {
      ...(search && { search }),
      ...(role && { role }),
      ...STATES[state.get('state') as keyof typeof STATES],
      ...FACTORS[state.get('factor') as keyof typeof FACTORS],
    },
    orderBy: ORDERS[state.get('order') as keyof typeof ORDERS] ?? ORDERS[DEFAULT_ORDER],
  }
}

/** The variables of the list at an address without filters. start.js asks for it before the script has arrived. */
export const FIRST_PEOPLE = { first: PAGE_SIZE, ...selectionOf({ get: () => '' }) }

/** The first page of the list. */
export type People = UserListQuery['users']

let known: People | undefined

/** Asks for the first page before the page is rendered, which then shows it immediately. */
export async function preparePeople(client: AuthClient): Promise<void> {
  knowPeople((await client.request(UserListDocument, FIRST_PEOPLE)).users)
}

/** Lets the next list start with this page. */
export function knowPeople(people: People): void {
  known = people
}

/** What is known of the list at an address; only once, because it changes. */
export function takeKnownPeople(key: string): People | undefined {
  const taken = key === '' ? known : undefined
  known = undefined
  return taken
}

/** Every row that the address selects, on whatever page, a hundred at a time. An export is recorded. */
export function everyRow(
  client: AuthClient,
  state: ListState,
  { exported = false } = {},
): AsyncGenerator<Row[]> {
  const selection = selectionOf(state)
  return allPages(async page => {
    const variables = { ...page, ...selection, ...(exported && !page.after && { export: true }) }
    return (await client.request(UserListDocument, variables)).users
  })
}
