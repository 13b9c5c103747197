import { ArgsType, Field, Int, ObjectType } from 'type-graphql'
import { badInput } from './errors.ts'

/** The maximum and the default number of items on a page. */
export const PAGE_MAX = 100
const PAGE_DEFAULT = 20

/** The arguments of a Relay connection. */
export type PageArguments = {
  first?: number | null | undefined
  after?: string | null | undefined
  last?: number | null | undefined
  before?: string | null | undefined
}

/** A page to fetch: `size` items from one end of a list, between two positions in its order. */
export type Page = {
  size: number
  backward: boolean
  after: string[] | undefined
  before: string[] | undefined
}

/**
 * The page that the arguments request. A cursor contains the sort keys of an item, so the next page starts where this
 * one ends even if items are added or removed in between. `isOurs` returns whether keys belong to this list.
 * @throws AuthError BAD_USER_INPUT
 */
export function pageOf(
  { first, after, last, before }: PageArguments,
  isOurs: (keys: string[]) => boolean,
): Page {
  if (first != null && last != null) throw badInput({ last: ['Use either first or last, not both.'] })
  const size = first ?? last ?? PAGE_DEFAULT
  const sizeName = last != null ? 'last' : 'first'
  if (size < 1 || size > PAGE_MAX) throw badInput({ [sizeName]: [`Request 1 to ${PAGE_MAX} items.`] })
  return {
    size,
    backward: last != null,
    after: after == null ? undefined : readCursor(after, isOurs, 'after'),
    before: before == null ? undefined : readCursor(before, isOurs, 'before'),
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
    // Not JSON, so not a cursor.
  }
  throw badInput({ [field]: ['This cursor doesn’t belong to this list. Start again without a cursor.'] })
}

/**
 * The connection of a page. `fetched` starts at the end that the page is requested from, and has one item more than the
 * page if further items exist. `totalCount` runs only if the client selects it.
 */
export function connectionOf<Item>(
  page: Page,
  fetched: Item[],
  totalCount: () => Promise<number>,
  keysOf: (item: Item) => string[],
) {
  const hasMore = fetched.length > page.size
  const nodes = fetched.slice(0, page.size)
  if (page.backward) nodes.reverse()
  const edges = nodes.map(node => ({ cursor: cursorOf(keysOf(node)), node }))
  return {
    edges,
    nodes,
    totalCount,
    pageInfo: {
      hasNextPage: page.backward ? page.before !== undefined : hasMore,
      hasPreviousPage: page.backward ? hasMore : page.after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

@ObjectType('PageInfo', { description: 'The position of a page in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether the list has items after this page.' })
  hasNextPage!: boolean

  @Field(() => Boolean, { description: 'Whether the list has items before this page.' })
  hasPreviousPage!: boolean

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the first item; null if the page is empty.',
  })
  startCursor!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last item; null if the page is empty.',
  })
  endCursor!: string | null
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description: 'Number of items from the start; default 20, maximum 100.',
  })
  first?: number | null

  @Field(() => String, { nullable: true, description: 'Returns only items after this cursor.' })
  after?: string | null

  @Field(() => Int, { nullable: true, description: 'Number of items from the end; maximum 100.' })
  last?: number | null

  @Field(() => String, { nullable: true, description: 'Returns only items before this cursor.' })
  before?: string | null
}
