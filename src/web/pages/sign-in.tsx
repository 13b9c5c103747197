import { Anchor, Button, Checkbox, Group, TextInput } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Link, Redirect, useLocation, useSearch } from 'wouter'
import { useHistoryState } from 'wouter/use-browser-location'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { rememberSignedIn, wasSignedInLastTime } from '../last-visit.ts'
import { facts } from '../page-settings.ts'
import { Aside, CardPage } from '../parts/card-page.tsx'
import { PasswordField } from '../parts/fields.tsx'
import { Waiting } from '../parts/loading.tsx'
import { CookieNotice, Notice } from '../parts/notice.tsx'
import { returnTo } from '../return-to.ts'
import { type Arrival, leave } from '../sign-out.ts'

/** The page at /sign-in: whoever is signed in already goes on at once. */
export function SignIn() {
  const { status } = useAuth()
  const search = useSearch()
  const target = returnTo(search, facts.returnOrigins)
  useEffect(() => {
    if (status === 'restoring') return
    rememberSignedIn(status === 'signedIn')
    if (status === 'signedIn' && target) location.replace(target)
  }, [status, target])

  if (status === 'signedIn') return target ? <Waiting /> : <Redirect to="/account" replace />
  // A visitor who has no session shall not wait for the server to say so.
  if (status === 'restoring' && wasSignedInLastTime()) return <Waiting />
  return <SignInCard badReturn={!target && new URLSearchParams(search).has('return_to')} />
}

export function SignInCard({ ended, badReturn }: { ended?: boolean; badReturn?: boolean }) {
  const { signIn, mailed } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const [, navigate] = useLocation()
  const arrival = useHistoryState<Arrival>()
  const [name, setName] = useState('')
  const [resent, setResent] = useState(false)
  const form = useForm(
    async values => {
      setResent(false)
      await client.login({
        identifier: values('identifier'),
        password: values('password'),
        rememberMe: values('remember') === 'on',
      })
    },
    {
      inputs: ['identifier', 'password'],
      check: values => ({
        identifier: checks.required(values('identifier')),
        password: values('password') === '' ? checks.required('') : undefined,
      }),
    },
  )
  const resend = useForm(
    async () => {
      await client.resendVerificationEmail(name)
      setResent(true)
    },
    { inputs: [] },
  )
  const blocked = form.refusal?.code === 'RATE_LIMITED' && facts.mail
  const unverified = form.refusal?.code === 'EMAIL_NOT_VERIFIED' && name.includes('@')
  return (
    <CardPage
      title={signIn.to(facts.appName)}
      tab={signIn.title}
      below={
        facts.registrationOpen && (
          <Aside question={signIn.noAccount} href={`/register${location.search}`}>
            {signIn.register}
          </Aside>
        )
      }
    >
      {!form.problem && (
        <ArrivalNotice
          arrival={arrival}
          ended={ended}
          badReturn={badReturn}
          again={() => void leave(navigate)}
        />
      )}
      <CookieNotice />
      <Notice kind="problem">{form.problem}</Notice>
      {blocked && (
        <Notice kind="warning">
          {signIn.blocked}{' '}
          <Anchor component={Link} href="/forgot-password" inherit underline="always">
            {signIn.newPassword}
          </Anchor>
        </Notice>
      )}
      {unverified && (
        <form onSubmit={resend.onSubmit}>
          <Button type="submit" variant="default" fullWidth loading={resend.busy} disabled={resent}>
            {resent ? mailed.resent : signIn.resend}
          </Button>
          <Notice kind="problem">{resend.problem}</Notice>
        </form>
      )}
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <TextInput
          name="identifier"
          label={signIn.identifier}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          error={form.error('identifier')}
          onChange={event => setName(event.currentTarget.value)}
          size="md"
        />
        <PasswordField name="password" error={form.error('password')} size="md" />
        <Group justify="space-between" gap="xs">
          <Checkbox name="remember" label={signIn.remember} defaultChecked size="sm" />
          {facts.mail && (
            <Anchor component={Link} href="/forgot-password" fz={14} underline="always">
              {signIn.forgot}
            </Anchor>
          )}
        </Group>
        <Button type="submit" size="md" fullWidth loading={form.busy}>
          {signIn.action}
        </Button>
      </form>
    </CardPage>
  )
}

type ArrivalNoticeProps = {
  arrival: Arrival
  ended: boolean | undefined
  badReturn: boolean | undefined
  again: () => void
}

/** How somebody came to sign in, where that wants an explanation. */
function ArrivalNotice({ arrival, ended, badReturn, again }: ArrivalNoticeProps) {
  const { signIn, common, data } = useText()
  if (arrival?.signOutFailed) {
    return (
      <Notice kind="warning">
        {common.signOutFailed}{' '}
        <Anchor component="button" type="button" onClick={again} inherit underline="always">
          {common.signOut}
        </Anchor>
      </Notice>
    )
  }
  if (arrival?.deleted) return <Notice kind="success">{`${data.deleted}. ${data.deletedLead}`}</Notice>
  if (arrival?.signedOut) return <Notice kind="success">{signIn.signedOut}</Notice>
  if (ended) return <Notice kind="warning">{signIn.ended}</Notice>
  return badReturn ? <Notice kind="warning">{signIn.badReturn}</Notice> : null
}
