import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { EndEmailChangeUndoDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { useTimes } from '../times.ts'
import { useRecentSignIn } from './confirm-identity.tsx'
import { Notice } from './notice.tsx'

export type EmailChangeUndoProps = {
  user: { id: string; emailChangeUndoableUntil?: string | null }
  onEnded: () => Promise<void>
  /** Whether the viewer can end it. */
  manage: boolean
}

/** Until when a former address can undo the last change of address, and a way to end that earlier. */
export function EmailChangeUndo({ user, onEnded, manage }: EmailChangeUndoProps) {
  const { emailUndo: says } = useText()
  const { client } = useAuth()
  const times = useTimes()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [ended, setEnded] = useState(false)
  const form = useForm(
    async () => {
      await withRecentSignIn(() => client.request(EndEmailChangeUndoDocument, { id: user.id }))
      setEnded(true)
      await onEnded()
    },
    { inputs: [] },
  )
  const until = user.emailChangeUndoableUntil
  if (!until) return <Notice kind="success">{ended && says.ended}</Notice>
  return (
    <>
      <form onSubmit={form.onSubmit} className="stack" style={{ maxWidth: 'none' }}>
        <Text fz={14}>{says.until(times.whole(until))}</Text>
        <Notice kind="problem">{form.problem}</Notice>
        {manage && (
          <Button
            type="submit"
            size="xs"
            variant="default"
            loading={form.busy}
            style={{ alignSelf: 'flex-start' }}
          >
            {says.end}
          </Button>
        )}
      </form>
      {dialog}
    </>
  )
}
