import { Button } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { RevokeUserSessionsDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { SessionRows } from '../parts/session-rows.tsx'
import type { UserPanelProps } from './user-details.ts'

export function UserSessions({ user, reload, manage }: UserPanelProps & { manage: boolean }) {
  const { user: says, sessions } = useText()
  const { client } = useAuth()
  const [ended, setEnded] = useState<number>()
  const form = useForm(
    async () => {
      const { revokeUserSessions } = await client.request(RevokeUserSessionsDocument, { id: user.id })
      setEnded(revokeUserSessions)
      await reload()
    },
    { inputs: [] },
  )
  const none = user.sessions.length === 0
  return (
    <Panel
      title={sessions.title}
      lead={none ? says.sessionsNone : undefined}
      aside={
        manage &&
        !none && (
          <form onSubmit={form.onSubmit}>
            <Button type="submit" size="xs" variant="default" loading={form.busy}>
              {says.signOutAll}
            </Button>
          </form>
        )
      }
      list={!none && <SessionRows sessions={user.sessions} />}
    >
      {(form.problem || ended !== undefined) && (
        <>
          <Notice kind="problem">{form.problem}</Notice>
          <Notice kind="success">{!form.problem && ended !== undefined && says.signedOutAll(ended)}</Notice>
        </>
      )}
    </Panel>
  )
}
