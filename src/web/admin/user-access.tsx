import { Button, Group, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { EnableUserDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { useTimes } from '../times.ts'
import { DeleteDialog } from './user-delete-dialog.tsx'
import type { UserPanelProps } from './user-details.ts'
import { DisableDialog } from './user-disable-dialog.tsx'

/** Disables, enables and deletes an account. */
export function UserAccess({ user, reload }: UserPanelProps) {
  const { user: says } = useText()
  const { client, user: viewer } = useAuth()
  const times = useTimes()
  const [asking, setAsking] = useState<'disable' | 'delete'>()
  const [done, setDone] = useState<string>()
  const enabling = useForm(
    async () => {
      await client.request(EnableUserDocument, { id: user.id })
      setDone(says.enabledDone)
      await reload()
    },
    { inputs: [] },
  )
  const may = (permission: string) => viewer?.permissions.includes(permission)
  return (
    <Panel title={says.dangerTitle} danger>
      <Notice kind="problem">{enabling.problem}</Notice>
      <Notice kind="success">{!enabling.problem && done}</Notice>
      {may('users:write') &&
        (user.disabledAt ? (
          <form onSubmit={enabling.onSubmit} style={{ maxWidth: 'none' }}>
            <Choice lead={`${says.disabledSince(times.moment(user.disabledAt))} ${says.enableLead}`}>
              <Button type="submit" variant="default" loading={enabling.busy}>
                {says.enable}
              </Button>
            </Choice>
          </form>
        ) : (
          <Choice lead={says.disableLead}>
            <Button variant="default" onClick={() => setAsking('disable')}>
              {says.disable}
            </Button>
          </Choice>
        ))}
      {may('users:delete') && (
        <Choice lead={says.deleteLead}>
          <Button color="red" variant="light" onClick={() => setAsking('delete')}>
            {says.delete}
          </Button>
        </Choice>
      )}
      {asking === 'disable' && (
        <DisableDialog
          user={user}
          onClose={() => setAsking(undefined)}
          onDone={() => {
            setAsking(undefined)
            setDone(says.disabledDone)
            void reload()
          }}
        />
      )}
      {asking === 'delete' && <DeleteDialog user={user} onClose={() => setAsking(undefined)} />}
    </Panel>
  )
}

function Choice({ lead, children }: { lead: string; children: ReactNode }) {
  return (
    <Group justify="space-between" gap="sm">
      <Text fz={14} style={{ flex: '1 1 300px' }}>
        {lead}
      </Text>
      {children}
    </Group>
  )
}
