import { Button } from '@mantine/core'
import { useState } from 'react'
import type { User } from '../../client/index.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { useTimes } from '../times.ts'
import { PasswordInputs, usePasswordChange } from './password-change.tsx'

export function Password({ user }: { user: User }) {
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
