import { Button } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useFallbackFocus, useForm } from '../forms.ts'
import { RevokeUserSessionDocument, RevokeUserSessionsDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { RowAction } from '../parts/row-action.tsx'
import { deviceOf, SessionRows } from '../parts/session-rows.tsx'
import type { ManagedPanelProps } from './user-details.ts'

/** The devices of an account. Ends one session, or all of them. */
export function UserSessions({ user, reload, manage }: ManagedPanelProps) {
  const text = useText()
  const { user: says, sessions } = text
  const { client } = useAuth()
  const [done, setDone] = useState<string>()
  const { id } = user
  const act = async (run: () => Promise<string>) => {
    setDone(undefined)
    const outcome = await run()
    await reload()
    setDone(outcome)
  }
  const one = useForm(
    values =>
      act(async () => {
        await client.request(RevokeUserSessionDocument, { id, sessionId: values('id') })
        return sessions.revoked(values('device'))
      }),
    { inputs: [] },
  )
  const all = useForm(
    () =>
      act(async () => {
        const { revokeUserSessions } = await client.request(RevokeUserSessionsDocument, { id })
        return says.signedOutAll(revokeUserSessions)
      }),
    { inputs: [] },
  )
  const place = useFallbackFocus<HTMLDivElement>(one.busy || all.busy)
  const none = user.sessions.length === 0
  const problem = one.problem ?? all.problem
  return (
    <Panel
      title={sessions.title}
      lead={none ? says.sessionsNone : undefined}
      aside={
        manage &&
        !none && (
          <form onSubmit={all.onSubmit}>
            <Button type="submit" size="xs" variant="default" loading={all.busy}>
              {says.signOutAll}
            </Button>
          </form>
        )
      }
      list={
        !none && (
          <SessionRows
            sessions={user.sessions}
            action={session => {
              // The viewer's own session ends with the menu, which also leaves the page.
              if (!manage || session.current) return null
              const device = deviceOf(text, session)
              return (
                <RowAction form={one} values={{ id: session.id, device }} label={sessions.revokeOf(device)}>
                  {sessions.revoke}
                </RowAction>
              )
            }}
          />
        )
      }
    >
      {(problem || done) && (
        <div ref={place} tabIndex={-1} className="notices">
          <Notice kind="problem">{problem}</Notice>
          <Notice kind="success">{!problem && done}</Notice>
        </div>
      )}
    </Panel>
  )
}
