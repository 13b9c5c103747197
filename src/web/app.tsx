import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useAuth } from '../client/react.ts'
import { ForgotPassword } from './pages/forgot-password.tsx'
import { Register } from './pages/register.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { Missing } from './parts/card-page.tsx'
import { Crash } from './parts/crash.tsx'
import { Waiting } from './parts/loading.tsx'
import { preloadable } from './parts/preloadable.tsx'
import { ServerUnavailable } from './parts/server-unavailable.tsx'
import { SignedIn } from './parts/signed-in.tsx'

// Loaded when a link in an email opens them, so that the sign-in page does not wait for them.
const VerifyEmail = lazy(() =>
  import('./pages/confirm-link.tsx').then(({ VerifyEmail }) => ({ default: VerifyEmail })),
)
const ConfirmEmail = lazy(() =>
  import('./pages/confirm-link.tsx').then(({ ConfirmEmail }) => ({ default: ConfirmEmail })),
)
const UndoEmailChange = lazy(() =>
  import('./pages/confirm-link.tsx').then(({ UndoEmailChange }) => ({ default: UndoEmailChange })),
)
const CancelFactorRecovery = lazy(() =>
  import('./pages/confirm-link.tsx').then(({ CancelFactorRecovery }) => ({ default: CancelFactorRecovery })),
)
const ResetPassword = lazy(() =>
  import('./pages/set-password.tsx').then(({ ResetPassword }) => ({ default: ResetPassword })),
)
const AcceptInvitation = lazy(() =>
  import('./pages/set-password.tsx').then(({ AcceptInvitation }) => ({ default: AcceptInvitation })),
)
const EmailLogin = lazy(() =>
  import('./pages/email-login.tsx').then(({ EmailLogin }) => ({ default: EmailLogin })),
)
// Loaded on the way back from another service.
const ProviderReturn = lazy(() =>
  import('./pages/provider-return.tsx').then(({ ProviderReturn }) => ({ default: ProviderReturn })),
)
// Loaded after signing in, so that the sign-in page does not wait for them.
const Account = lazy(() => import('./account/account.tsx').then(({ Account }) => ({ default: Account })))
const Overview = lazy(() => import('./admin/overview.tsx').then(({ Overview }) => ({ default: Overview })))
// early/people.tsx shows its list before any of this is there.
export const Users = preloadable(() => import('./admin/users.tsx').then(({ Users }) => ({ default: Users })))
const User = lazy(() => import('./admin/user.tsx').then(({ User }) => ({ default: User })))
const Roles = lazy(() => import('./admin/roles.tsx').then(({ Roles }) => ({ default: Roles })))
const Services = lazy(() => import('./admin/services.tsx').then(({ Services }) => ({ default: Services })))
const FailedEmails = lazy(() =>
  import('./admin/mails.tsx').then(({ FailedEmails }) => ({ default: FailedEmails })),
)
const Webhooks = lazy(() => import('./admin/webhooks.tsx').then(({ Webhooks }) => ({ default: Webhooks })))
const Audit = lazy(() => import('./admin/audit.tsx').then(({ Audit }) => ({ default: Audit })))

/** The page at each address. src/page-addresses.ts has the same list. */
export function App() {
  return (
    <Crash>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/" component={Start} />
          <Route path="/sign-in">
            <SignIn />
          </Route>
          <Route path="/sign-in/provider" component={ProviderReturn} />
          <Route path="/register" component={Register} />
          <Route path="/forgot-password" component={ForgotPassword} />
          <Route path="/verify-email" component={VerifyEmail} />
          <Route path="/reset-password" component={ResetPassword} />
          <Route path="/accept-invitation" component={AcceptInvitation} />
          <Route path="/email-login" component={EmailLogin} />
          <Route path="/confirm-email" component={ConfirmEmail} />
          <Route path="/cancel-recovery" component={CancelFactorRecovery} />
          <Route path="/undo-email" component={UndoEmailChange} />
          <Route path="/account/:section?">
            {({ section }) => <SignedIn>{user => <Account user={user} section={section} />}</SignedIn>}
          </Route>
          <Route path="/overview">
            <SignedIn anyOf={['audit:read']}>{() => <Overview />}</SignedIn>
          </Route>
          <Route path="/users">
            <SignedIn anyOf={['users:read']}>{() => <Users />}</SignedIn>
          </Route>
          <Route path="/users/:id/:tab?">
            {({ id, tab }) => (
              <SignedIn anyOf={['users:read']}>{() => <User key={id} id={id} tab={tab} />}</SignedIn>
            )}
          </Route>
          <Route path="/roles">
            <SignedIn anyOf={['users:read', 'roles:write']}>{() => <Roles />}</SignedIn>
          </Route>
          <Route path="/services">
            <SignedIn anyOf={['services:write']}>{() => <Services />}</SignedIn>
          </Route>
          <Route path="/mails">
            <SignedIn anyOf={['audit:read']}>{() => <FailedEmails />}</SignedIn>
          </Route>
          <Route path="/webhooks">
            <SignedIn anyOf={['webhooks:write']}>{() => <Webhooks />}</SignedIn>
          </Route>
          <Route path="/audit">
            <SignedIn anyOf={['audit:read']}>{() => <Audit />}</SignedIn>
          </Route>
          <Route component={Missing} />
        </Switch>
      </Suspense>
    </Crash>
  )
}

function Start() {
  const { status, error } = useAuth()
  if (status === 'restoring') return error === undefined ? <Waiting /> : <ServerUnavailable error={error} />
  return <Redirect to={status === 'signedIn' ? '/account' : '/sign-in'} replace />
}
