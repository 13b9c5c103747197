import { useEffect } from 'react'
import { Redirect } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useBrowserFact, useVisitorSearch } from '../hydration.ts'
import { rememberSignedIn, wasSignedInLastTime } from '../last-visit.ts'
import { settings } from '../page-settings.ts'
import { Waiting } from '../parts/loading.tsx'
import { ServerUnavailable } from '../parts/server-unavailable.tsx'
import { forgetReturn } from '../pending-return.ts'
import { usePendingSignIn } from '../pending-sign-in.ts'
import { returnTo } from '../return-to.ts'
import { NextStep } from './later-step.ts'
import { SignInCard } from './sign-in-card.tsx'

/**
 * The page at /sign-in. Visitors who are signed in go on immediately. `search` has the `return_to`, by default that of the
 * address.
 */
export function SignIn({ search: given }: { search?: string }) {
  const { status, error } = useAuth()
  const pending = usePendingSignIn()
  const own = useVisitorSearch()
  const search = given ?? own
  const wasSignedIn = useBrowserFact(wasSignedInLastTime, false)
  const target = returnTo(search, settings.returnOrigins)
  useEffect(() => {
    if (status === 'restoring') return
    rememberSignedIn(status === 'signedIn')
    if (status !== 'signedIn' || pending) return
    forgetReturn()
    if (target) location.replace(target)
  }, [status, target, pending])

  // Also while the last step still shows something, such as recovery codes.
  if (pending) return <NextStep pending={pending} />

  if (status === 'signedIn') return target ? <Waiting /> : <Redirect to="/account" replace />
  // Visitors without a session see the form before the server confirms that.
  if (status === 'restoring' && wasSignedIn) {
    return error === undefined ? <Waiting /> : <ServerUnavailable error={error} />
  }
  return (
    <SignInCard
      badReturn={!target && new URLSearchParams(search).has('return_to')}
      unreachable={error !== undefined}
    />
  )
}
