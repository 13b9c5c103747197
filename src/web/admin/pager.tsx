import { Button, Group } from '@mantine/core'
import { useText } from '../language.tsx'
import type { ListState } from './list-state.ts'

export type PageInfo = {
  hasNextPage: boolean
  hasPreviousPage: boolean
  startCursor: string | null
  endCursor: string | null
}

export function Pager({ info, state }: { info: PageInfo; state: ListState }) {
  const { users } = useText()
  if (!info.hasNextPage && !info.hasPreviousPage) return null
  return (
    <Group justify="space-between" p="md" style={{ borderTop: '1px solid var(--line)' }}>
      <Button
        variant="default"
        size="xs"
        disabled={!info.hasPreviousPage}
        onClick={() => state.turn({ before: info.startCursor })}
      >
        {users.previous}
      </Button>
      <Button
        variant="default"
        size="xs"
        disabled={!info.hasNextPage}
        onClick={() => state.turn({ after: info.endCursor })}
      >
        {users.next}
      </Button>
    </Group>
  )
}
