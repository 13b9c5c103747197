import { Button, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { CheckIcon, KeyIcon, UserIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { useLinkToken } from '../link-token.ts'
import { facts } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { NewPasswordField } from '../parts/fields.tsx'
import { Notice } from '../parts/notice.tsx'
import { DeadLink, Onward } from './dead-link.tsx'

type SetPasswordProps = {
  says: { title: string; lead: string; action: string; done: string; doneLead: string }
  icon: ReactNode
  /** Where a new link comes from. */
  renewal: ReactNode
}

/** Chooses a password by the link of a mail. */
function SetPassword({ says, icon, renewal }: SetPasswordProps) {
  const { common } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const token = useLinkToken()
  const [done, setDone] = useState(false)
  const form = useForm(
    async values => {
      await client.resetPassword({ token: token ?? '', newPassword: values('newPassword') })
      setDone(true)
    },
    {
      inputs: ['newPassword'],
      check: values => ({ newPassword: checks.newPassword(values('newPassword')) }),
    },
  )
  if (done) {
    return (
      <CardPage title={says.done} lead={says.doneLead} icon={<CheckIcon size={22} />}>
        <Onward href="/sign-in">{common.toSignIn}</Onward>
      </CardPage>
    )
  }
  if (!token || form.refusal?.code === 'TOKEN_INVALID') return <DeadLink missing={!token}>{renewal}</DeadLink>
  return (
    <CardPage title={says.title} lead={says.lead} icon={icon}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <NewPasswordField name="newPassword" error={form.error('newPassword')} size="md" />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {says.action}
        </Button>
      </form>
    </CardPage>
  )
}

export function ResetPassword() {
  const { reset, link } = useText()
  return (
    <SetPassword
      says={reset}
      icon={<KeyIcon size={22} />}
      renewal={<Onward href="/forgot-password">{link.newLink}</Onward>}
    />
  )
}

export function AcceptInvitation() {
  const { invited, link } = useText()
  return (
    <SetPassword
      says={{ ...invited, title: invited.title(facts.appName) }}
      icon={<UserIcon size={22} />}
      renewal={<Text fz={14}>{link.askAdministrator}</Text>}
    />
  )
}
