import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { rememberSignedIn } from '../last-visit.ts'
import { SignInCard } from '../pages/sign-in.tsx'
import { problemText } from '../problems.ts'
import { isLeaving } from '../sign-out.ts'
import { useTimes } from '../times.ts'
import { CardPage } from './card-page.tsx'
import { Waiting } from './loading.tsx'

export type SignedInProps = {
  /** Permissions, one of which is enough; without any, everybody may see it. */
  anyOf?: string[]
  children: (user: User) => ReactNode
}

/**
 * Shows a page to whoever is signed in and may see it. Others sign in here, at the same address, and go on
 * where they were.
 */
export function SignedIn({ anyOf, children }: SignedInProps) {
  const { status, user, error, client } = useAuth()
  const text = useText()
  const times = useTimes()
  const [, navigate] = useLocation()
  const wasIn = useRef(false)
  useEffect(() => {
    if (status === 'signedIn') wasIn.current = true
    if (status !== 'restoring') rememberSignedIn(status === 'signedIn')
  }, [status])

  if (status === 'restoring') {
    if (error === undefined) return <Waiting />
    return (
      <CardPage title={text.failures.noAnswer} lead={problemText(text, times.span, error)}>
        <Button onClick={() => void client.restore().catch(() => {})}>{text.common.tryAgain}</Button>
      </CardPage>
    )
  }
  if (!user) return isLeaving() ? <Waiting /> : <SignInCard ended={wasIn.current} />
  if (anyOf && !anyOf.some(permission => user.permissions.includes(permission))) {
    return (
      <CardPage title={text.forbidden.title} lead={text.forbidden.lead}>
        <Button onClick={() => navigate('/account')}>{text.common.toAccount}</Button>
      </CardPage>
    )
  }
  return children(user)
}
