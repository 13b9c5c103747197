import { Anchor, Button, Divider, Text, TextInput } from '@mantine/core'
import { Fragment, useState } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useVisitorSearch } from '../hydration.ts'
import { MailIcon } from '../icons.tsx'
import { useLanguage, useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Aside, CardPage } from '../parts/card-page.tsx'
import { EmailField, NewPasswordField } from '../parts/fields.tsx'
import { CookieNotice, Notice } from '../parts/notice.tsx'
import { OutsideLink } from '../parts/outside-link.tsx'
import { ProviderButtons } from '../parts/provider-buttons.tsx'
import { Resend } from '../parts/resend.tsx'
import { loadPasskeys, useHasPasskeys } from '../passkeys.ts'
import { rememberReturn } from '../pending-return.ts'
import { withReturnTo } from '../return-to.ts'
import { SignIn } from './sign-in.tsx'

export function Register() {
  const search = useVisitorSearch()
  const { status } = useAuth()
  const { text } = useLanguage()
  if (status === 'signedIn') return <SignIn />
  if (!settings.registrationOpen) {
    return (
      <CardPage title={text.register.closedTitle} lead={text.errors.REGISTRATION_CLOSED}>
        <Anchor component={Link} href={withReturnTo('/sign-in', search)} underline="always">
          {text.common.toSignIn}
        </Anchor>
      </CardPage>
    )
  }
  return <RegisterCard />
}

function RegisterCard() {
  const search = useVisitorSearch()
  const { tag, text } = useLanguage()
  const { client } = useAuth()
  const checks = useChecks()
  const [waitingFor, setWaitingFor] = useState<string>()
  const [own, setOwn] = useState({ email: '', displayName: '' })
  const hasPasskeys = useHasPasskeys()
  const [withPasskey, setWithPasskey] = useState(false)
  const form = useForm(
    async values => {
      const displayName = values('displayName').trim()
      const profile = { email: values('email'), locale: tag, ...(displayName && { displayName }) }
      const result = withPasskey
        ? await (await loadPasskeys()).registerWithPasskey(client, profile)
        : await client.register({ ...profile, password: values('password') })
      if (result.status !== 'verificationRequired') return
      rememberReturn(location.search)
      setWaitingFor(result.email)
    },
    {
      inputs: ['displayName', 'email', 'password'],
      check: values => ({
        email: checks.email(values('email')),
        password: withPasskey ? undefined : checks.newPassword(values('password')),
      }),
    },
  )
  if (waitingFor) return <CheckMailbox email={waitingFor} />
  const { register, common } = text
  return (
    <CardPage
      title={register.to}
      below={
        <Aside question={register.hasAccount} href={withReturnTo('/sign-in', search)}>
          {text.signIn.action}
        </Aside>
      }
    >
      <CookieNotice />
      <Notice kind="problem">{form.problem}</Notice>
      <form onSubmit={form.onSubmit} method="post" noValidate className="stack">
        <TextInput
          name="displayName"
          label={`${common.displayName} (${common.optional})`}
          autoComplete="name"
          autoFocus
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
        {!withPasskey && (
          <NewPasswordField
            name="password"
            label={common.password}
            own={Object.values(own)}
            error={form.error('password')}
            size="md"
          />
        )}
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {withPasskey ? text.passkeys.register : register.action}
        </Button>
        {hasPasskeys && (
          <Anchor component="button" type="button" fz={14} onClick={() => setWithPasskey(!withPasskey)}>
            {withPasskey ? register.withPassword : text.passkeys.register}
          </Anchor>
        )}
        <Agreement />
      </form>
      {settings.providers.length > 0 && (
        <>
          <Divider label={text.passkeys.or} />
          <ProviderButtons />
        </>
      )}
    </CardPage>
  )
}

/** What creating an account agrees to. */
export function Agreement() {
  const { register } = useText()
  const { terms } = settings.links
  if (!terms) return null
  const link = (
    <OutsideLink href={terms} inherit>
      {register.terms}
    </OutsideLink>
  )
  return (
    <Text fz={13} c="dimmed" ta="center">
      {register.agree(link).map((part, place) => (
        <Fragment key={String(place)}>{part}</Fragment>
      ))}
    </Text>
  )
}

/** The account waits until its owner opens the link in an email. */
export function CheckMailbox({ email }: { email: string }) {
  const search = useVisitorSearch()
  const { text } = useLanguage()
  const { client } = useAuth()
  return (
    <CardPage title={text.mailed.title} lead={text.mailed.verify(email)} icon={<MailIcon size={22} />}>
      <Resend send={() => client.resendVerificationEmail(email)} label={text.mailed.resend} size="md" />
      <Anchor component={Link} href={withReturnTo('/sign-in', search)} ta="center" fz={14} underline="always">
        {text.common.toSignIn}
      </Anchor>
    </CardPage>
  )
}
