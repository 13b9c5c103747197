import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { PageTitle } from '../parts/page-title.tsx'

export type PageHeadProps = {
  title: string
  /** Announced by screen readers when it changes. */
  lead: string
  /** The buttons beside the title. */
  children?: ReactNode
}

export function PageHead({ title, lead, children }: PageHeadProps) {
  return (
    <Group justify="space-between" align="flex-start" mb={20}>
      <div style={{ flex: '1 1 240px' }}>
        <PageTitle>{title}</PageTitle>
        <Text className="page-lead" c="dimmed" fz={14} mih={22} aria-live="polite">
          {lead}
        </Text>
      </div>
      {children}
    </Group>
  )
}
