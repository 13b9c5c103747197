import { Anchor } from '@mantine/core'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useVisitorSearch } from '../hydration.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Aside, CardPage } from '../parts/card-page.tsx'
import { CookieNotice, Notice } from '../parts/notice.tsx'
import { Resend } from '../parts/resend.tsx'
import type { UnconnectedIdentity } from '../pending-identity.ts'
import { continueSignIn } from '../pending-sign-in.ts'
import { nameOf, providerOf } from '../providers.ts'
import { withReturnTo } from '../return-to.ts'
import { signOut, useArrival } from '../sign-out.ts'
import { ArrivalNotice } from './arrival-notice.tsx'
import { OtherWays, usePasskeyAutofill } from './other-ways.tsx'
import { SignInForm } from './sign-in-form.tsx'

export type SignInCardProps = {
  /** What the sign-in is to be connected with. */
  connecting?: UnconnectedIdentity | undefined
  /** Whether a session has just ended. */
  ended?: boolean
  /** Whether `return_to` was refused. */
  badReturn?: boolean
  /** Whether the server did not answer. */
  unreachable?: boolean
}

/** The sign-in form with everything that helps to get past it. */
export function SignInCard({ connecting, ended, badReturn, unreachable }: SignInCardProps) {
  const search = useVisitorSearch()
  const text = useText()
  const { signIn, failures, providers } = text
  const { client } = useAuth()
  const checks = useChecks()
  const [, navigate] = useLocation()
  const arrival = useArrival()
  const [name, setName] = useState(connecting?.email ?? '')
  const stopOffering = usePasskeyAutofill()
  const connectingName = connecting ? nameOf(text, providerOf(connecting.provider)) : ''
  const form = useForm(
    async values => {
      stopOffering()
      continueSignIn(
        await client.login({
          identifier: values('identifier'),
          password: values('password'),
          rememberMe: values('remember') === 'on',
        }),
      )
    },
    {
      inputs: ['identifier', 'password'],
      check: values => ({
        identifier: checks.required(values('identifier')),
        password: values('password') === '' ? checks.required('') : undefined,
      }),
    },
  )
  const unverified = form.refusal?.code === 'EMAIL_NOT_VERIFIED' && name.includes('@')
  return (
    <CardPage
      title={connecting ? providers.connectTitle(connectingName) : signIn.to(settings.appName)}
      lead={
        connecting &&
        (connecting.status === 'providerLink'
          ? providers.connectLead(connectingName, connecting.email)
          : providers.connectAny(connectingName))
      }
      tab={signIn.title}
      below={
        !connecting &&
        settings.registrationOpen && (
          <Aside question={signIn.noAccount} href={withReturnTo('/register', search)}>
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
          signOutAgain={() => void signOut(navigate)}
        />
      )}
      <CookieNotice />
      <Notice kind="problem">{form.problem ?? (unreachable && failures.network)}</Notice>
      {form.refusal?.code === 'RATE_LIMITED' && settings.mail && <BlockedNotice email={name} />}
      {unverified && <Resend send={() => client.resendVerificationEmail(name)} label={signIn.resend} />}
      <SignInForm form={form} name={name} onName={setName} />
      <OtherWays beforePasskey={stopOffering} providers={!connecting} />
    </CardPage>
  )
}

/** The way in for the owner of an account that too many attempts have blocked. */
function BlockedNotice({ email }: { email: string }) {
  const search = useVisitorSearch()
  const { signIn } = useText()
  return (
    <Notice kind="warning">
      {signIn.blocked}{' '}
      <Anchor
        renderRoot={props => (
          <Link {...props} href={withReturnTo('/forgot-password', search)} state={{ email }} />
        )}
        inherit
        underline="always"
      >
        {signIn.newPassword}
      </Anchor>
    </Notice>
  )
}
