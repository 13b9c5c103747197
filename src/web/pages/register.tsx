import { Anchor, Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { MailIcon } from '../icons.tsx'
import { useLanguage } from '../language.tsx'
import { facts } from '../page-settings.ts'
import { Aside, CardPage } from '../parts/card-page.tsx'
import { EmailField, NewPasswordField } from '../parts/fields.tsx'
import { CookieNotice, Notice } from '../parts/notice.tsx'
import { SignIn } from './sign-in.tsx'

export function Register() {
  const { status } = useAuth()
  const { text } = useLanguage()
  if (status === 'signedIn') return <SignIn />
  if (!facts.registrationOpen) {
    return (
      <CardPage title={text.register.closedTitle} lead={text.errors.REGISTRATION_CLOSED}>
        <Anchor component={Link} href="/sign-in" underline="always">
          {text.common.toSignIn}
        </Anchor>
      </CardPage>
    )
  }
  return <RegisterCard />
}

function RegisterCard() {
  const { tag, text } = useLanguage()
  const { client } = useAuth()
  const checks = useChecks()
  const [waitingFor, setWaitingFor] = useState<string>()
  const [own, setOwn] = useState({ email: '', displayName: '' })
  const form = useForm(
    async values => {
      const displayName = values('displayName').trim()
      const result = await client.register({
        email: values('email'),
        password: values('password'),
        locale: tag,
        ...(displayName && { displayName }),
      })
      if (result.status === 'verificationRequired') setWaitingFor(result.email)
    },
    {
      inputs: ['displayName', 'email', 'password'],
      check: values => ({
        email: checks.email(values('email')),
        password: checks.newPassword(values('password')),
      }),
    },
  )
  if (waitingFor) return <LookIntoMailbox email={waitingFor} />
  const { register, common } = text
  return (
    <CardPage
      title={register.to}
      below={
        <Aside question={register.hasAccount} href={`/sign-in${location.search}`}>
          {text.signIn.action}
        </Aside>
      }
    >
      <CookieNotice />
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <TextInput
          name="displayName"
          label={`${common.displayName} (${common.optional})`}
          autoComplete="name"
          maxLength={100}
          error={form.error('displayName')}
          onChange={event => setOwn({ ...own, displayName: event.currentTarget.value })}
          size="md"
        />
        <EmailField
          error={form.error('email')}
          onChange={event => setOwn({ ...own, email: event.currentTarget.value })}
          size="md"
        />
        <NewPasswordField
          name="password"
          label={common.password}
          own={Object.values(own)}
          error={form.error('password')}
          size="md"
        />
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {register.action}
        </Button>
      </form>
    </CardPage>
  )
}

/** The account waits for its owner to open the link in a mail. */
function LookIntoMailbox({ email }: { email: string }) {
  const { text } = useLanguage()
  const { client } = useAuth()
  const [sent, setSent] = useState(false)
  const form = useForm(
    async () => {
      await client.resendVerificationEmail(email)
      setSent(true)
    },
    { inputs: [] },
  )
  return (
    <CardPage title={text.mailed.title} lead={text.mailed.verify(email)} icon={<MailIcon size={22} />}>
      <Notice kind="problem">{form.problem}</Notice>
      <Notice kind="success">{sent && text.mailed.resent}</Notice>
      <form onSubmit={form.onSubmit}>
        <Button type="submit" variant="default" size="md" fullWidth loading={form.busy}>
          {text.mailed.resend}
        </Button>
      </form>
      <Anchor component={Link} href="/sign-in" ta="center" fz={14} underline="always">
        {text.common.toSignIn}
      </Anchor>
    </CardPage>
  )
}
