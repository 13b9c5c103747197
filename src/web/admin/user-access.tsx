import { Button, Group, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useFallbackFocus, useForm } from '../forms.ts'
import {
  EnableUserDocument,
  ResendInvitationDocument,
  SendPasswordResetDocument,
  UpdateUserDocument,
} from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { ChangedMeanwhile, saveGuarded } from './guarded-save.ts'
import { ActDialog } from './user-act-dialog.tsx'
import { DeleteDialog } from './user-delete-dialog.tsx'
import type { UserPanelProps } from './user-details.ts'
import { DisableDialog } from './user-disable-dialog.tsx'

/** Confirms the address, sends links, and disables, enables and deletes an account. */
export function UserAccess({ user, reload }: UserPanelProps) {
  const { user: says } = useText()
  const { client, user: viewer } = useAuth()
  const [asking, setAsking] = useState<'act' | 'disable' | 'delete'>()
  const [done, setDone] = useState<string>()
  const { id, email } = user

  /** Each of these is one button. The value of the one that was pressed says what to do. */
  const runs: Record<string, () => Promise<string>> = {
    verify: async () => {
      await saveGuarded(user, ['email', 'emailVerified'], expectedUpdatedAt =>
        client.request(UpdateUserDocument, { id, input: { emailVerified: true }, expectedUpdatedAt }),
      )
      return says.verifiedDone
    },
    reset: async () => {
      await client.request(SendPasswordResetDocument, { id })
      return says.resetDone(email)
    },
    invite: async () => {
      await client.request(ResendInvitationDocument, { id })
      return says.inviteDone(email)
    },
    enable: async () => {
      await client.request(EnableUserDocument, { id })
      return says.enabledDone
    },
  }
  const [changed, setChanged] = useState(false)
  const form = useForm(
    async values => {
      setDone(undefined)
      setChanged(false)
      try {
        const outcome = await runs[values('run')]?.()
        await reload()
        setDone(outcome)
      } catch (error) {
        // The page was out of date, or still is.
        await reload()
        if (!(error instanceof ChangedMeanwhile)) throw error
        setChanged(true)
      }
    },
    { inputs: [] },
  )
  const place = useFallbackFocus<HTMLDivElement>(form.busy)
  const may = (permission: string) => viewer?.permissions.includes(permission)
  const run = (name: keyof typeof runs, lead: string, label: string) => (
    <form onSubmit={form.onSubmit} style={{ maxWidth: 'none' }}>
      <input type="hidden" name="run" value={name} />
      <Choice lead={lead}>
        <Button type="submit" variant="default" disabled={form.busy}>
          {label}
        </Button>
      </Choice>
    </form>
  )
  return (
    <Panel title={says.dangerTitle}>
      <div ref={place} tabIndex={-1} className="notices">
        <Notice kind="problem">{form.problem ?? (changed && says.changedMeanwhile)}</Notice>
        <Notice kind="success">{!form.problem && done}</Notice>
      </div>
      {may('users:impersonate') && viewer?.id !== user.id && !user.disabledAt && (
        <Choice lead={says.act.lead}>
          <Button variant="default" onClick={() => setAsking('act')}>
            {says.act.action}
          </Button>
        </Choice>
      )}
      {may('users:write') && (
        <>
          {!user.emailVerified && !user.invitedAt && run('verify', says.verifyLead(email), says.verify)}
          {settings.mail &&
            !user.disabledAt &&
            (user.invitedAt
              ? run('invite', says.inviteLead, says.invite)
              : run('reset', says.resetLead, says.reset))}
          {user.disabledAt ? (
            run('enable', says.enableLead, says.enable)
          ) : (
            <Choice lead={says.disableLead}>
              <Button variant="default" onClick={() => setAsking('disable')}>
                {says.disable}
              </Button>
            </Choice>
          )}
        </>
      )}
      {may('users:delete') && (
        <Choice lead={says.deleteLead}>
          <Button color="red" variant="light" onClick={() => setAsking('delete')}>
            {says.delete}
          </Button>
        </Choice>
      )}
      {asking === 'act' && <ActDialog user={user} onClose={() => setAsking(undefined)} />}
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
      <Text fz={14} style={{ flex: '1 1 220px', overflowWrap: 'anywhere' }}>
        {lead}
      </Text>
      {children}
    </Group>
  )
}
