import { Button } from '@mantine/core'
import { useCallback, useEffect, useState } from 'react'
import { Link, Redirect } from 'wouter'
import { AuthError, type ProviderSignUp, type ProviderReturn as Returned } from '../../client/index.ts'
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
import { problemText, serverText } from '../problems.ts'
import { type Errand, nameOf, nextPage, providerOf } from '../providers.ts'
import { withReturnTo } from '../return-to.ts'
import { useTimes } from '../times.ts'
import { ConnectAccount } from './connect-account.tsx'
import { NextStep } from './later-step.ts'
import { ProviderSignUpPage } from './provider-sign-up.tsx'
import { SignIn } from './sign-in.tsx'

/** What the page shows; undefined until the server has answered. */
type State =
  | { kind: 'done'; purpose: Returned['purpose'] | undefined }
  | { kind: 'failed'; error: unknown }
  | { kind: 'signUp'; identity: ProviderSignUp }
  | { kind: 'connect'; identity: UnconnectedIdentity }

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

  const onConnected = () => setState({ kind: 'done', purpose: 'link' })
  if (state?.kind === 'connect')
    return <ConnectAccount identity={state.identity} search={search} onConnected={onConnected} />
  if (pendingStep) return <NextStep pending={pendingStep} />
  if (!state) return <Waiting />
  switch (state.kind) {
    case 'failed':
      return <Failed error={state.error} search={search} again={() => void complete()} />
    case 'signUp': {
      const { identity } = state
      if (status === 'signedIn') return <Onward search={search} />
      return (
        <ProviderSignUpPage
          identity={identity}
          search={search}
          onConnect={() => setState({ kind: 'connect', identity })}
        />
      )
    }
    default:
      return <Onward search={search} purpose={state.purpose} />
  }
}

function stateAfter(returned: Returned | null): State {
  if (!returned) {
    const identity = rememberedIdentity()
    return identity ? stateOf(identity) : { kind: 'done', purpose: undefined }
  }
  if (returned.purpose !== 'signIn') return { kind: 'done', purpose: returned.purpose }
  const { result } = returned
  if (result.status === 'providerSignUp' || result.status === 'providerLink') {
    rememberIdentity(result)
    return stateOf(result)
  }
  forgetIdentity()
  continueSignIn(result)
  return { kind: 'done', purpose: 'signIn' }
}

function stateOf(identity: UnconnectedIdentity): State {
  return identity.status === 'providerSignUp' ? { kind: 'signUp', identity } : { kind: 'connect', identity }
}

/** Goes on to where the visitor was going, or was before. */
function Onward({ search, purpose }: { search: URLSearchParams; purpose?: Returned['purpose'] | undefined }) {
  const next = nextPage(search)
  if (purpose === 'link') {
    const connected = search.get('provider') ?? ''
    // Who came from another site to sign in goes back there.
    if (!search.has('return_to'))
      return <Redirect to={next ?? '/account/security'} state={{ connected }} replace />
  }
  if (purpose === 'reauthenticate')
    return <Redirect to={next ?? '/account'} state={{ confirmed: true }} replace />
  if (next) return <Redirect to={next} replace />
  return <SignIn search={`?${search}`} />
}

type FailedProps = { error: unknown; search: URLSearchParams; again: () => void }

function Failed({ error, search, again }: FailedProps) {
  const text = useText()
  const times = useTimes()
  const { providers, common } = text
  const errand = (search.get('for') ?? 'signIn') as Errand
  const provider = search.get('provider')
  const titles = {
    signIn: providers.failed,
    link: providers.linkFailed,
    reauthenticate: providers.proofFailed,
  }
  const title = Object.hasOwn(titles, errand) ? titles[errand] : providers.failed
  const lost = error instanceof Error && error.name === 'NetworkError'
  const back = nextPage(search) ?? withReturnTo('/sign-in', `?${search}`)
  return (
    <CardPage title={provider ? title(nameOf(text, providerOf(provider))) : providers.failedAny}>
      <Notice kind="problem">
        {problemText(text, times.span, error, {
          TOKEN_INVALID: providers.expired,
          // Someone at the provider whom the account does not know; there was no password to be wrong.
          INVALID_CREDENTIALS: error instanceof AuthError ? serverText(text, error.message) : undefined,
        })}
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
