import { Button } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { useIsActing } from '../parts/owners-only.tsx'
import { Answer, Panel } from '../parts/panel.tsx'
import { RowAction } from '../parts/row-action.tsx'
import { deviceOf, SessionRows, ZoneNote } from '../parts/session-rows.tsx'
import { useQuery } from '../use-query.ts'

export function Sessions() {
  const text = useText()
  const { sessions: says } = text
  const { client } = useAuth()
  const isActing = useIsActing()
  const query = useQuery('own', client.sessions.list)
  const [done, setDone] = useState<string>()
  const act = async (run: () => Promise<string>) => {
    setDone(undefined)
    setDone(await run())
    await query.reload()
  }
  const one = useForm(
    values =>
      act(async () => {
        await client.sessions.revoke(values('id'))
        return says.revoked(values('device'))
      }),
    { inputs: [] },
  )
  const others = useForm(() => act(async () => says.othersDone(await client.sessions.revokeOthers())), {
    inputs: [],
  })
  const problem = one.problem ?? others.problem
  const alone = query.data?.every(session => session.current) ?? true
  return (
    <Panel
      title={says.title}
      lead={says.lead}
      list={
        <Answer query={query}>
          {list => (
            <SessionRows
              sessions={list}
              action={session =>
                session.current || isActing ? null : (
                  <RowAction
                    form={one}
                    values={{ id: session.id, device: deviceOf(text, session) }}
                    label={says.revokeOf(deviceOf(text, session))}
                  >
                    {says.revoke}
                  </RowAction>
                )
              }
            />
          )}
        </Answer>
      }
    >
      <Notice kind="problem">{problem}</Notice>
      <Notice kind="success">{!problem && done}</Notice>
      <form
        onSubmit={others.onSubmit}
        style={{
          display: 'flex',
          flexWrap: 'wrap',
          gap: '8px 16px',
          maxWidth: 'none',
          alignItems: 'center',
          justifyContent: 'space-between',
        }}
      >
        {!isActing && (
          <Button type="submit" variant="default" loading={others.busy} disabled={alone}>
            {says.others}
          </Button>
        )}
        <ZoneNote />
      </form>
    </Panel>
  )
}
