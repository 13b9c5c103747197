import { Button, Skeleton, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import { useText } from '../language.tsx'
import { problemText } from '../problems.ts'
import { useTimes } from '../times.ts'
import type { Query } from '../use-query.ts'
import { Notice } from './notice.tsx'

export type PanelProps = {
  title: string
  lead?: ReactNode
  /** Beside the title. */
  aside?: ReactNode
  /** Marks actions that cannot be undone. */
  danger?: boolean
  /** Below the padded part, from edge to edge. */
  list?: ReactNode
  children?: ReactNode
}

/** A section of a page. */
export function Panel({ title, lead, aside, danger, list, children }: PanelProps) {
  const id = useId()
  return (
    <section className="panel" aria-labelledby={id} data-danger={danger || undefined}>
      <div className="panel-body">
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: '8px 16px', justifyContent: 'space-between' }}>
          <Title order={2} size={17} id={id}>
            {title}
          </Title>
          {aside}
        </div>
        {lead && (
          <Text c="dimmed" fz={14} mt={4} lh={1.55}>
            {lead}
          </Text>
        )}
        {children && (
          <Stack gap={16} mt={20}>
            {children}
          </Stack>
        )}
      </div>
      {list}
    </section>
  )
}

/** Shows the result of a query, its error, or a placeholder while it loads. */
export function Answer<Data>({
  query,
  lines = 3,
  children,
}: {
  query: Query<Data>
  /** The height of the placeholder, in lines. */
  lines?: number
  children: (data: Data) => ReactNode
}) {
  const text = useText()
  const times = useTimes()
  if (query.error !== undefined) {
    return (
      <Stack gap={12} align="flex-start" p={24}>
        <Notice kind="problem">{problemText(text, times.span, query.error)}</Notice>
        <Button variant="default" onClick={() => void query.reload()}>
          {text.common.tryAgain}
        </Button>
      </Stack>
    )
  }
  if (query.data === undefined) {
    return (
      <Stack gap={12} p={24} role="status" aria-label={text.common.loading}>
        {Array.from({ length: lines }, (_, line) => `${line}`).map(line => (
          <Skeleton key={line} h={38} radius="md" />
        ))}
      </Stack>
    )
  }
  return children(query.data)
}

/** The content of an empty list. */
export function Empty({ title, lead, children }: { title: string; lead: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Text fw={550}>{title}</Text>
      <Text c="dimmed" fz={14} mt={4} mb={16}>
        {lead}
      </Text>
      {children}
    </div>
  )
}
