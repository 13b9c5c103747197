import { Button } from '@mantine/core'
import { useCallback, useEffect, useState } from 'react'
import { Link, Redirect } from 'wouter'
import type { ProviderLink, ProviderSignUp, ProviderReturn as Returned } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { CardPage } from '../parts/card-page.tsx'
import { Waiting } from '../parts/loading.tsx'
import { Notice } from '../parts/notice.tsx'
import {
  forgetIdentity,
  rememberedIdentity,
  rememberIdentity,
  type UnconnectedIdentity,
} from '../pending-identity.ts'
import { continueSignIn, usePendingSignIn } from '../pending-sign-in.ts'
import { problemText } from '../problems.ts'
import { nameOf, nextPage, providerOf } from '../providers.ts'
import { withReturnTo } from '../return-to.ts'
import { useTimes } from '../times.ts'
import { NextStep } from './later-step.ts'
import { ProviderSignUpPage } from './provider-sign-up.tsx'
import { SignIn } from './sign-in.tsx'
import { SignInCard } from './sign-in-card.tsx'

/** What the page shows; undefined until the server has answered. */
type State =
  | { kind: 'done' }
  | { kind: 'failed'; error: unknown }
  | { kind: 'signUp'; identity: ProviderSignUp }
  | { kind: 'connect'; identity: ProviderLink }

/** Where people come back from another service: completes what they went there for. */
export function ProviderReturn() {
  const { client, status } = useAuth()
  const pendingStep = usePendingSignIn()
  const [search] = useState(() => new URLSearchParams(location.search))
  const [state, setState] = useState<State>()
  const complete = useCallback(async () => {
    setState(undefined)
    try {
      setState(stateAfter(await client.providers.handleReturn()))
    } catch (error) {
      setState({ kind: 'failed', error })
    }
  }, [client])
  useEffect(() => void complete(), [complete])

  if (pendingStep) return <NextStep pending={pendingStep} />
  if (!state) return <Waiting />
  switch (state.kind) {
    case 'failed':
      return <Failed error={state.error} search={search} again={() => void complete()} />
    case 'connect':
      return status === 'signedIn' ? <Onward search={search} /> : <SignInCard connecting={state.identity} />
    case 'signUp': {
      const { identity } = state
      if (status === 'signedIn') return <Onward search={search} />
      return <ProviderSignUpPage identity={identity} search={search} />
    }
    default:
      return <Onward search={search} />
  }
}

function stateAfter(returned: Returned | null): State {
  if (!returned) {
    const identity = rememberedIdentity()
    return identity ? stateOf(identity) : { kind: 'done' }
  }
  const { result } = returned
  if (result.status === 'providerSignUp' || result.status === 'providerLink') {
    rememberIdentity(result)
    return stateOf(result)
  }
  forgetIdentity()
  continueSignIn(result)
  return { kind: 'done' }
}

function stateOf(identity: UnconnectedIdentity): State {
  return identity.status === 'providerSignUp' ? { kind: 'signUp', identity } : { kind: 'connect', identity }
}

/** Goes on to where the visitor was going, or was before. */
function Onward({ search }: { search: URLSearchParams }) {
  const next = nextPage(search)
  return next ? <Redirect to={next} replace /> : <SignIn search={`?${search}`} />
}

type FailedProps = { error: unknown; search: URLSearchParams; again: () => void }

function Failed({ error, search, again }: FailedProps) {
  const text = useText()
  const times = useTimes()
  const { providers, common } = text
  const provider = search.get('provider')
  const lost = error instanceof Error && error.name === 'NetworkError'
  const back = nextPage(search) ?? withReturnTo('/sign-in', `?${search}`)
  return (
    <CardPage title={provider ? providers.failed(nameOf(text, providerOf(provider))) : providers.failedAny}>
      <Notice kind="problem">
        {problemText(text, times.span, error, { TOKEN_INVALID: providers.expired })}
      </Notice>
      {lost ? (
        <Button size="md" fullWidth onClick={again}>
          {common.tryAgain}
        </Button>
      ) : (
        <Button component={Link} href={back} size="md" fullWidth>
          {providers.back}
        </Button>
      )}
    </CardPage>
  )
}
