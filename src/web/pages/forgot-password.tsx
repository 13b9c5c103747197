import { Anchor, Button } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { useHistoryState } from 'wouter/use-browser-location'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useVisitorSearch } from '../hydration.ts'
import { KeyIcon, MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { CardPage } from '../parts/card-page.tsx'
import { EmailField } from '../parts/fields.tsx'
import { Notice } from '../parts/notice.tsx'
import { Resend } from '../parts/resend.tsx'
import { rememberReturn } from '../pending-return.ts'
import { withReturnTo } from '../return-to.ts'

export function ForgotPassword() {
  const { forgot } = useText()
  const typed = useHistoryState<{ email?: string } | null>()?.email ?? ''
  const [email, setEmail] = useState(typed.includes('@') ? typed : '')
  const [sent, setSent] = useState(false)
  if (!settings.mail) {
    return (
      <CardPage title={forgot.noMailTitle} lead={forgot.noMail}>
        <ToSignIn />
      </CardPage>
    )
  }
  if (sent) return <LinkSent email={email} onChangeAddress={() => setSent(false)} />
  return (
    <RequestLink
      email={email}
      onSent={address => {
        setEmail(address)
        setSent(true)
      }}
    />
  )
}

function RequestLink({ email, onSent }: { email: string; onSent: (email: string) => void }) {
  const { forgot } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const form = useForm(
    async values => {
      await client.requestPasswordReset(values('email'))
      rememberReturn(location.search)
      onSent(values('email').trim())
    },
    { inputs: ['email'], check: values => ({ email: checks.email(values('email')) }) },
  )
  return (
    <CardPage title={forgot.title} lead={forgot.lead} icon={<KeyIcon size={22} />}>
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} method="post" noValidate className="stack">
        <EmailField defaultValue={email} autoFocus error={form.error('email')} size="md" />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {forgot.action}
        </Button>
      </form>
      <ToSignIn />
    </CardPage>
  )
}

type LinkSentProps = { email: string; onChangeAddress: () => void }

function LinkSent({ email, onChangeAddress }: LinkSentProps) {
  const { mailed } = useText()
  const { client } = useAuth()
  return (
    <CardPage title={mailed.title} lead={mailed.reset(email)} icon={<MailIcon size={22} />}>
      <Resend send={() => client.requestPasswordReset(email)} label={mailed.resend} size="md" />
      <Anchor
        component="button"
        type="button"
        onClick={onChangeAddress}
        ta="center"
        fz={14}
        underline="always"
      >
        {mailed.otherAddress}
      </Anchor>
      <ToSignIn />
    </CardPage>
  )
}

function ToSignIn() {
  const search = useVisitorSearch()
  const { common } = useText()
  return (
    <Anchor component={Link} href={withReturnTo('/sign-in', search)} ta="center" fz={14} underline="always">
      {common.toSignIn}
    </Anchor>
  )
}
