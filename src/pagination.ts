import { ArgsType, Field, Int, ObjectType } from 'type-graphql'
import { badInput } from './errors.ts'

/** The most and the usual number of items of a page. */
export const PAGE_MAX = 100
const PAGE_DEFAULT = 20

/** The arguments of a Relay connection. */
export type PageArguments = {
  first?: number | null | undefined
  after?: string | null | undefined
  last?: number | null | undefined
  before?: string | null | undefined
}

/** A page to fetch: so many items from one end, between two places in the order. */
export type Page = {
  size: number
  backward: boolean
  after: string[] | undefined
  before: string[] | undefined
}

/**
 * The page that the arguments ask for. A cursor holds the sort keys of an item, so a page starts where the last one
 * ended whatever has come or gone between; `isOurs` says whether keys are of this list.
 * @throws AuthError BAD_USER_INPUT
 */
export function pageOf(
  { first, after, last, before }: PageArguments,
  isOurs: (keys: string[]) => boolean,
): Page {
  if (first != null && last != null) throw badInput({ last: ['Give first or last, not both.'] })
  const size = first ?? last ?? PAGE_DEFAULT
  const sizeName = last != null ? 'last' : 'first'
  if (size < 1 || size > PAGE_MAX) throw badInput({ [sizeName]: [`Ask for 1 to ${PAGE_MAX} items.`] })
  return {
    size,
    backward: last != null,
    after: after == null ? undefined : readCursor(after, isOurs, 'after'),
    before: before == null ? undefined : readCursor(before, isOurs, 'before'),
  }
}

/** What a list is ordered by. The keys of an order together name one item, and have an index. */
export type SortKey<Item> = {
  /** As SQL. */
  column: string
  type: 'timestamptz' | 'text' | 'uuid'
  of: (item: Item) => string
  /** Whether a cursor may have it. */
  isValid: (key: string) => boolean
}

/** Whether these are values of the keys of an order, one of each. */
export function isPlace<Item>(keys: SortKey<Item>[], place: string[]): boolean {
  return place.length === keys.length && keys.every((key, at) => key.isValid(place[at] ?? ''))
}

/**
 * A page as SQL: the conditions that hold it between its cursors, whose values are added to `values`, and how to
 * order columns so that it comes first. As one comparison of rows, which an index answers without reading what lies
 * before.
 */
export function keyset<Item>(keys: SortKey<Item>[], ascending: boolean, page: Page, values: unknown[]) {
  const columns = keys.map(key => key.column)
  const beyond = (cursor: string[] | undefined, follows: boolean) => {
    if (!cursor) return []
    const place = cursor.slice(-keys.length)
    const bounds = keys.map(({ type }, at) => `$${values.push(place[at])}::${type}`)
    return [`(${columns}) ${ascending === follows ? '>' : '<'} (${bounds})`]
  }
  const direction = ascending !== page.backward ? 'ASC' : 'DESC'
  return {
    between: [...beyond(page.after, true), ...beyond(page.before, false)],
    by: (names: string[] = columns) => names.map(name => `${name} ${direction}`).join(', '),
  }
}

export function cursorOf(keys: string[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url')
}

function readCursor(cursor: string, isOurs: (keys: string[]) => boolean, field: string): string[] {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(keys) && keys.every(key => typeof key === 'string') && isOurs(keys)) return keys
  } catch {
    // Not a cursor: falls through to the message.
  }
  throw badInput({ [field]: ['This is not a cursor of this list. Start again without it.'] })
}

/**
 * The connection of a page, from the items that were fetched for it: one more than its size, so that it is
 * known whether there are further ones, and from the end that it was asked from. `totalCount` is called where it
 * is selected, and nowhere else.
 */
export function connectionOf<Item>(
  page: Page,
  fetched: Item[],
  totalCount: () => Promise<number>,
  keysOf: (item: Item) => string[],
) {
  const beyond = fetched.length > page.size
  const nodes = fetched.slice(0, page.size)
  if (page.backward) nodes.reverse()
  const edges = nodes.map(node => ({ cursor: cursorOf(keysOf(node)), node }))
  return {
    edges,
    nodes,
    totalCount,
    pageInfo: {
      hasNextPage: page.backward ? page.before !== undefined : beyond,
      hasPreviousPage: page.backward ? beyond : page.after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

@ObjectType('PageInfo', { description: 'Where a page of a list stands.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether items follow the last one.' })
  hasNextPage!: boolean

  @Field(() => Boolean, { description: 'Whether items come before the first one.' })
  hasPreviousPage!: boolean

  @Field(() => String, { nullable: true, description: 'Of the first item; null where there is none.' })
  startCursor!: string | null

  @Field(() => String, { nullable: true, description: 'Of the last item; null where there is none.' })
  endCursor!: string | null
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, description: 'So many from the start: 20 unless told, at most 100.' })
  first?: number | null

  @Field(() => String, { nullable: true, description: 'Only what follows this cursor.' })
  after?: string | null

  @Field(() => Int, { nullable: true, description: 'So many from the end, at most 100.' })
  last?: number | null

  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  before?: string | null
}
