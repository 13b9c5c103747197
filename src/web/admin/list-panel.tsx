import { Button, Group, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import { useText } from '../language.tsx'
import { Answer, Empty } from '../parts/panel.tsx'
import { ZoneNote } from '../parts/session-rows.tsx'
import type { Query } from '../use-query.ts'
import type { ListState } from './list-state.ts'
import { type PageInfo, Pager } from './pager.tsx'

export type ListPanelProps<Node> = {
  query: Query<{ nodes: Node[]; pageInfo: PageInfo; totalCount?: number }>
  state: ListState
  /** The text of an empty list. */
  empty: { title: string; lead: string }
  children: (nodes: Node[]) => ReactNode
}

/** A page of a list with links to the next page and a button to clear the filters. Rows of the last answer are marked
 * while the next one loads. */
export function ListPanel<Node>({ query, state, empty, children }: ListPanelProps<Node>) {
  const { users, common } = useText()
  const stale = query.loading && query.data !== undefined
  return (
    <>
      <div className="panel list" aria-busy={stale}>
        <VisuallyHidden role="status">{stale && common.loading}</VisuallyHidden>
        <Answer query={query} lines={8}>
          {({ nodes, pageInfo, totalCount = nodes.length }) =>
            nodes.length === 0 ? (
              <Empty {...empty}>
                {state.narrowed && (
                  <Button variant="default" onClick={state.clear}>
                    {users.clear}
                  </Button>
                )}
              </Empty>
            ) : (
              <>
                {children(nodes)}
                <Pager info={pageInfo} state={state} rows={nodes.length} total={totalCount} />
              </>
            )
          }
        </Answer>
      </div>
      <Group mt="md" justify="flex-end">
        <ZoneNote />
      </Group>
    </>
  )
}
