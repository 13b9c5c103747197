import type { PageInfo } from './pager.tsx'

/** What a page of the console shows. */
export const PAGE_SIZE = 25
/** The most that the server returns in a page. */
const PAGE_MAX = 100

export type PageArguments = { first: number; after?: string }

/** All pages of a list, one after the other. The list may change meanwhile; what stays in it is returned once. */
export async function* allPages<Node>(
  ask: (page: PageArguments) => Promise<{ nodes: Node[]; pageInfo: PageInfo }>,
): AsyncGenerator<Node[]> {
  let after: string | null | undefined
  do {
    const { nodes, pageInfo } = await ask({ first: PAGE_MAX, ...(after && { after }) })
    yield nodes
    after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined
  } while (after)
}
