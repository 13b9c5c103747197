import { Button } from '@mantine/core'
import { useState } from 'react'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Notice } from '../parts/notice.tsx'
import { OwnersPanels } from '../parts/owners-only.tsx'
import { Panel } from '../parts/panel.tsx'
import { useTimes } from '../times.ts'
import { useQuery } from '../use-query.ts'
import { Factors } from './factors.tsx'
import { PasswordInputs, usePasswordChange } from './password-change.tsx'
import { SecurityActivity } from './security-activity.tsx'

export function Security({ user }: { user: User }) {
  const { account } = useText()
  const { client } = useAuth()
  const query = useQuery('factors', () => client.factors.get())
  const hasPassword = query.data?.hasPassword ?? true
  return (
    <>
      <OwnersPanels title={account.security}>
        {hasPassword ? <Password user={user} /> : settings.mail && <NoPassword user={user} />}
        <Factors user={user} query={query} />
      </OwnersPanels>
      <SecurityActivity user={user} hasPassword={hasPassword} />
    </>
  )
}

/** People who sign in with a passkey or another service can have a password too. */
function NoPassword({ user }: { user: User }) {
  const { security } = useText()
  const { client } = useAuth()
  const [sent, setSent] = useState(false)
  const form = useForm(
    async () => {
      await client.requestPasswordReset(user.email)
      setSent(true)
    },
    { inputs: [] },
  )
  return (
    <Panel title={security.title} lead={security.none}>
      <form onSubmit={form.onSubmit} className="stack">
        <Notice kind="problem">{form.problem}</Notice>
        <Notice kind="mail">{sent && security.mailed(user.email)}</Notice>
        <Button
          type="submit"
          variant="default"
          loading={form.busy}
          disabled={sent}
          style={{ alignSelf: 'flex-start' }}
        >
          {security.mailLink}
        </Button>
      </form>
    </Panel>
  )
}

function Password({ user }: { user: User }) {
  const { security } = useText()
  const times = useTimes()
  const [done, setDone] = useState(0)
  const form = usePasswordChange(() => setDone(done + 1))
  const changed = user.passwordChangedAt ? `${security.changed(times.day(user.passwordChangedAt))} ` : ''
  return (
    <Panel title={security.title} lead={`${changed}${security.lead}`}>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        {/* A new key clears the inputs after a change. */}
        <PasswordInputs key={done} form={form} user={user} />
        <Notice kind="problem">{form.problem}</Notice>
        <Notice kind="success">{done > 0 && !form.problem && security.done}</Notice>
        <Button type="submit" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
          {security.action}
        </Button>
      </form>
    </Panel>
  )
}
