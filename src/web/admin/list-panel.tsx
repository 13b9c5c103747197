import { Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { useText } from '../language.tsx'
import { Answer, Empty } from '../parts/panel.tsx'
import { ZoneNote } from '../parts/session-rows.tsx'
import type { Query } from '../use-query.ts'
import type { ListState } from './list-state.ts'
import { type PageInfo, Pager } from './pager.tsx'

export type ListPanelProps<Node> = {
  query: Query<{ nodes: Node[]; pageInfo: PageInfo }>
  state: ListState
  /** The text of an empty list. */
  empty: { title: string; lead: string }
  children: (nodes: Node[]) => ReactNode
}

/** A page of a list with links to the next page and a button to clear the filters. */
export function ListPanel<Node>({ query, state, empty, children }: ListPanelProps<Node>) {
  const { users } = useText()
  return (
    <>
      <div className="panel list">
        <Answer query={query} lines={8}>
          {({ nodes, pageInfo }) =>
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
                <Pager info={pageInfo} state={state} />
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
