import { Button } from '@mantine/core'
import { Fragment, useState } from 'react'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { AccountName, NewPasswordField, PasswordField } from '../parts/fields.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { useTimes } from '../times.ts'

export function Security({ user }: { user: User }) {
  const { security, failures, common } = useText()
  const { client } = useAuth()
  const times = useTimes()
  const checks = useChecks()
  const [done, setDone] = useState(0)
  const form = useForm(
    async values => {
      await client.changePassword({
        currentPassword: values('currentPassword'),
        newPassword: values('newPassword'),
      })
      setDone(done + 1)
    },
    {
      inputs: ['currentPassword', 'newPassword'],
      words: { INVALID_CREDENTIALS: failures.wrongPassword },
      inputOf: { INVALID_CREDENTIALS: 'currentPassword' },
      check: values => ({
        currentPassword: values('currentPassword') === '' ? checks.required('') : undefined,
        newPassword: checks.newPassword(values('newPassword')),
      }),
    },
  )
  const changed = user.passwordChangedAt ? `${security.changed(times.day(user.passwordChangedAt))} ` : ''
  const own = [user.email, user.username, user.displayName].filter(word => word !== null)
  return (
    <Panel title={security.title} lead={`${changed}${security.lead}`}>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <AccountName email={user.email} />
        {/* A new key clears the inputs after a change. */}
        <Fragment key={done}>
          <PasswordField
            name="currentPassword"
            label={security.current}
            error={form.error('currentPassword')}
          />
          <NewPasswordField
            name="newPassword"
            label={common.newPassword}
            own={own}
            error={form.error('newPassword')}
          />
        </Fragment>
        <Notice kind="problem">{form.problem}</Notice>
        <Notice kind="success">{done > 0 && !form.problem && security.done}</Notice>
        <Button type="submit" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
          {security.action}
        </Button>
      </form>
    </Panel>
  )
}
