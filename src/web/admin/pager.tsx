import { Button, Group, Text } from '@mantine/core'
import { useText } from '../language.tsx'
import { rangeOf } from './list-range.ts'
import type { ListState } from './list-state.ts'

export type PageInfo = {
  hasNextPage: boolean
  hasPreviousPage: boolean
  startCursor: string | null
  endCursor: string | null
}

export type PagerProps = { info: PageInfo; state: ListState; rows: number; total: number }

/** Which rows of a list the page has, and the buttons to the pages beside it. */
export function Pager({ info, state, rows, total }: PagerProps) {
  const { users, lists } = useText()
  const range = rangeOf(state, info, rows, total)
  const several = info.hasNextPage || info.hasPreviousPage
  return (
    <Group className="pager" justify="space-between" p="md" gap="sm">
      <Text fz={13} c="dimmed">
        {range ? lists.range(range.first, range.last, total) : lists.total(total)}
      </Text>
      {several && (
        <Group gap="sm" className="pager-buttons">
          <Button
            variant="default"
            size="xs"
            disabled={!info.hasPreviousPage}
            onClick={() => state.turn({ before: info.startCursor }, range?.first)}
          >
            {users.previous}
          </Button>
          <Button
            variant="default"
            size="xs"
            disabled={!info.hasNextPage}
            onClick={() => state.turn({ after: info.endCursor }, range && range.last + 1)}
          >
            {users.next}
          </Button>
        </Group>
      )}
    </Group>
  )
}
