import { Anchor, Button } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { KeyIcon, MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { facts } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { EmailField } from '../parts/fields.tsx'
import { Notice } from '../parts/notice.tsx'

export function ForgotPassword() {
  const { forgot, mailed, common } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const [sentTo, setSentTo] = useState<string>()
  const form = useForm(
    async values => {
      await client.requestPasswordReset(values('email'))
      setSentTo(values('email').trim())
    },
    { inputs: ['email'], check: values => ({ email: checks.email(values('email')) }) },
  )
  const toSignIn = (
    <Anchor component={Link} href="/sign-in" ta="center" fz={14} underline="always">
      {common.toSignIn}
    </Anchor>
  )
  if (!facts.mail) {
    return (
      <CardPage title={forgot.noMailTitle} lead={forgot.noMail}>
        {toSignIn}
      </CardPage>
    )
  }
  if (sentTo) {
    return (
      <CardPage title={mailed.title} lead={mailed.reset(sentTo)} icon={<MailIcon size={22} />}>
        <Button variant="default" size="md" onClick={() => setSentTo(undefined)}>
          {mailed.resend}
        </Button>
        {toSignIn}
      </CardPage>
    )
  }
  return (
    <CardPage title={forgot.title} lead={forgot.lead} icon={<KeyIcon size={22} />}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <EmailField error={form.error('email')} size="md" />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {forgot.action}
        </Button>
      </form>
      {toSignIn}
    </CardPage>
  )
}
