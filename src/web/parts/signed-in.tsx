import { Button } from '@mantine/core'
import { Activity, type ReactNode, useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { rememberSignedIn } from '../last-visit.ts'
import { NextStep } from '../pages/later-step.ts'
import { SignInCard } from '../pages/sign-in-card.tsx'
import { usePendingSignIn } from '../pending-sign-in.ts'
import { useIsSignedOutElsewhere, useIsSigningOut } from '../sign-out.ts'
import { CardPage } from './card-page.tsx'
import { Waiting } from './loading.tsx'
import { ServerUnavailable } from './server-unavailable.tsx'

export type SignedInProps = {
  /** Permissions, one of which is enough. Omit to admit every user. */
  anyOf?: string[]
  children: (user: User) => ReactNode
}

/**
 * Shows a page to users who are signed in and have access. Others sign in here, at the same address, and continue. When
 * the server ends the session while the page is open, the page is hidden with everything that was typed, until the same
 * user signs in again. When the visitor signs out, in this tab or another one, nothing of the page remains.
 */
export function SignedIn({ anyOf, children }: SignedInProps) {
  const { status, user, error } = useAuth()
  const pending = usePendingSignIn()
  const signingOut = useIsSigningOut()
  const signedOutElsewhere = useIsSignedOutElsewhere()
  const lastUser = useRef<User>(undefined)
  if (user) lastUser.current = user
  else if (signedOutElsewhere) lastUser.current = undefined
  useEffect(() => {
    if (status !== 'restoring') rememberSignedIn(status === 'signedIn')
  }, [status])

  if (status === 'restoring') return error === undefined ? <Waiting /> : <ServerUnavailable error={error} />
  if (!user && signingOut) return <Waiting />
  // Also while the last step still shows something, such as recovery codes.
  if (pending) return <NextStep pending={pending} />
  const shown = user ?? lastUser.current
  return (
    <>
      {!user && <SignInCard ended={shown !== undefined || signedOutElsewhere} />}
      {shown && (
        <Activity key={shown.id} mode={user ? 'visible' : 'hidden'}>
          {anyOf && !anyOf.some(permission => shown.permissions.includes(permission)) ? (
            <Forbidden />
          ) : (
            children(shown)
          )}
        </Activity>
      )}
    </>
  )
}

function Forbidden() {
  const { forbidden, common } = useText()
  const [, navigate] = useLocation()
  return (
    <CardPage title={forbidden.title} lead={forbidden.lead}>
      <Button onClick={() => navigate('/account')}>{common.toAccount}</Button>
    </CardPage>
  )
}
