import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { Panel } from './panel.tsx'

/** Whether an administrator acts as the user. The server then refuses what protects the account. */
export function useIsActing(): boolean {
  return useAuth().impersonatorId !== undefined
}

/** What only the owner of the account can do. An administrator who acts as them sees why it is missing. */
export function OwnersOnly({ children }: { children: ReactNode }) {
  const { acting } = useText()
  if (!useIsActing()) return children
  return (
    <Text fz={14} c="dimmed">
      {acting.ownersOnly}
    </Text>
  )
}

/** The same for whole panels: one panel with this title stands in for them. */
export function OwnersPanels({ title, children }: { title: string; children: ReactNode }) {
  const { acting } = useText()
  return useIsActing() ? <Panel title={title} lead={acting.ownersOnly} /> : children
}
