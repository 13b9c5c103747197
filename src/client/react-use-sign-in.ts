'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import { AuthError, type ErrorCode, NetworkError } from './errors.ts'
import { leaving } from './leaving.ts'
import { hasSignInReturned } from './provider-pending.ts'
import type {
  CompleteSignUpInput,
  ProviderLink,
  ProviderLoginResult,
  ProviderSignUp,
} from './provider-types.ts'
import { useAuth } from './react-auth.ts'
import type { AuthMethod, LoginInput, ProofInput, SecondFactor, SecondFactorSetup, User } from './types.ts'

/** Why the last attempt failed. */
export type SignInProblem = {
  /**
   * The server's code; NETWORK if no answer arrived, so that the outcome is unknown; UNSUPPORTED if the server requires a
   * step that this version does not know.
   */
  readonly code: ErrorCode | 'NETWORK' | 'UNSUPPORTED' | 'UNKNOWN'
  /** English text for people. */
  readonly message: string
  readonly retryAfterSeconds: number | undefined
}

type Attempt = {
  /** Whether an answer is still to come. Calls made in the meantime do nothing. */
  readonly busy: boolean
  readonly problem: SignInProblem | undefined
}

/**
 * The step of a sign-in, with what can be done in it. Later versions add steps, such as one for a second factor, so
 * keep a default case.
 */
export type SignInState =
  | (Attempt & {
      readonly step: 'credentials'
      /** Tries to sign in. Never rejects: the state has the outcome. */
      readonly signIn: (input: LoginInput) => Promise<void>
      /**
       * Leaves for a provider, one of `(await client.settings()).providers`. The page at `returnTo`, by default this one,
       * must use this hook too, which then completes the sign-in. Never rejects.
       */
      readonly signInWithProvider: (id: string, options?: { returnTo?: string | undefined }) => Promise<void>
    })
  /** The password is right, and the account needs a second factor. */
  | (Attempt & {
      readonly step: 'secondFactor'
      /** The methods that complete the sign-in, the strongest first. */
      readonly methods: readonly AuthMethod[]
      /** Whether `trustDevice` has an effect. */
      readonly canTrustDevice: boolean
      /** For `completeLoginWithPasskey` of the entry `passkeys`. */
      readonly pending: SecondFactor
      /** Completes the sign-in, such as with `{ totpCode }`. Never rejects: the state has the outcome. */
      readonly complete: (proof: ProofInput, options?: { trustDevice?: boolean }) => Promise<void>
      readonly back: () => void
    })
  /** The account must add a second factor first. The server's sign-in page does that, or `client.factors`. */
  | (Attempt & {
      readonly step: 'setup'
      readonly pending: SecondFactorSetup
      readonly back: () => void
    })
  /** The password is right, but the address must be verified first. */
  | (Attempt & {
      readonly step: 'verifyEmail'
      readonly email: string
      /** Whether the email was sent again. */
      readonly resent: boolean
      /** Sends the email with the link again. Never rejects. */
      readonly resend: () => Promise<void>
      readonly back: () => void
    })
  /** The provider gave no address that can be relied on. */
  | (Attempt & {
      readonly step: 'providerSignUp'
      readonly pending: ProviderSignUp
      /** Creates the account. Never rejects. */
      readonly complete: (input: Omit<CompleteSignUpInput, 'ticket'>) => Promise<void>
      /** For someone who has an account already: the next step signs in to it, and connects the provider. */
      readonly connect: () => void
      readonly back: () => void
    })
  /** The person has an account: signing in to it connects the provider. */
  | (Attempt & {
      readonly step: 'providerLink'
      readonly pending: ProviderLink | ProviderSignUp
      /** Tries to sign in, and connects. Never rejects. */
      readonly signIn: (input: LoginInput) => Promise<void>
      readonly back: () => void
    })
  | { readonly step: 'signedIn'; readonly user: User }

type Step =
  | { readonly step: 'credentials' }
  | { readonly step: 'secondFactor'; pending: SecondFactor }
  | { readonly step: 'setup'; pending: SecondFactorSetup }
  | { readonly step: 'verifyEmail'; email: string; resent: boolean }
  | { readonly step: 'providerSignUp'; pending: ProviderSignUp }
  | { readonly step: 'providerLink'; pending: ProviderLink | ProviderSignUp }

const START: Step = { step: 'credentials' }
const IDLE: Attempt = { busy: false, problem: undefined }

/** Signs in, without any markup. `<SignIn />` is built on it. */
export function useSignIn(): SignInState {
  const { client, user } = useAuth()
  const [step, setStep] = useState<Step>(START)
  const [attempt, setAttempt] = useState(IDLE)
  const busy = useRef(false)
  /** The ticket of the provider to connect once the person has signed in. */
  const connecting = useRef<string | undefined>(undefined)

  const run = useCallback(async (work: () => Promise<Step>) => {
    if (busy.current) return
    busy.current = true
    setAttempt({ busy: true, problem: undefined })
    try {
      setStep(await work())
      setAttempt(IDLE)
    } catch (error) {
      setAttempt({ busy: false, problem: problemOf(error) })
    } finally {
      busy.current = false
    }
  }, [])

  const after = useCallback(
    async (result: ProviderLoginResult): Promise<Step> => {
      if (result.status === 'providerLink') connecting.current = result.ticket
      const { current: ticket } = connecting
      if (result.status !== 'signedIn' || ticket === undefined) return stepAfter(result)
      connecting.current = undefined
      await client.providers.linkIdentity(ticket)
      return START
    },
    [client],
  )

  useEffect(() => {
    if (!hasSignInReturned()) return
    void run(async () => {
      const returned = await client.providers.handleReturn()
      return returned?.purpose === 'signIn' ? after(returned.result) : START
    })
  }, [client, run, after])

  const signIn = useCallback(
    (input: LoginInput) =>
      run(async () => {
        try {
          return await after(await client.login(input))
        } catch (error) {
          // A username does not tell where to send the email.
          const isUnverified = error instanceof AuthError && error.code === 'EMAIL_NOT_VERIFIED'
          if (!isUnverified || !input.identifier.includes('@')) throw error
          return { step: 'verifyEmail', email: input.identifier, resent: false }
        }
      }),
    [client, run, after],
  )

  if (user) return { step: 'signedIn', user }
  if (step.step === 'credentials') {
    const signInWithProvider = (
      id: string,
      { returnTo = thisPage() }: { returnTo?: string | undefined } = {},
    ) =>
      run(async () => {
        await client.providers.signIn(id, { returnTo })
        await leaving()
        return START
      })
    return { ...step, ...attempt, signIn, signInWithProvider }
  }
  const goTo = (next: Step, ticket?: string) => {
    connecting.current = ticket
    setStep(next)
    setAttempt(IDLE)
  }
  const back = () => goTo(START)
  if (step.step === 'providerLink') return { ...step, ...attempt, signIn, back }
  if (step.step === 'providerSignUp') {
    const { pending } = step
    return {
      ...step,
      ...attempt,
      complete: (input: Omit<CompleteSignUpInput, 'ticket'>) =>
        run(async () => {
          const result = await client.providers.completeSignUp({ ...input, ticket: pending.ticket })
          if (result.status === 'signedIn') return START
          return { step: 'verifyEmail', email: result.email, resent: false }
        }),
      connect: () => goTo({ step: 'providerLink', pending }, pending.ticket),
      back,
    }
  }
  if (step.step === 'setup') return { ...step, ...attempt, back }
  if (step.step === 'secondFactor') {
    const { ticket, methods, canTrustDevice } = step.pending
    return {
      ...step,
      ...attempt,
      methods,
      canTrustDevice,
      complete: (proof: ProofInput, { trustDevice = false }: { trustDevice?: boolean } = {}) =>
        run(async () => after(await client.completeLogin({ ticket, proof, trustDevice }))),
      back,
    }
  }
  return {
    ...step,
    ...attempt,
    resend: () =>
      run(async () => {
        await client.resendVerificationEmail(step.email)
        return { ...step, resent: true }
      }),
    back,
  }
}

function stepAfter(result: ProviderLoginResult): Step {
  switch (result.status) {
    case 'signedIn':
      return START
    case 'setup':
      return { step: 'setup', pending: result }
    case 'secondFactor':
      return { step: 'secondFactor', pending: result }
    case 'providerSignUp':
      return { step: 'providerSignUp', pending: result }
    default:
      return { step: 'providerLink', pending: result }
  }
}

/** The address of the page, without what a provider added to it. */
function thisPage(): string {
  const url = new URL(location.href)
  url.hash = ''
  url.searchParams.delete('provider_code')
  url.searchParams.delete('provider_error')
  return url.href
}

function problemOf(error: unknown): SignInProblem {
  if (error instanceof AuthError || error instanceof NetworkError) {
    const code = error instanceof AuthError ? error.code : 'NETWORK'
    return { code, message: error.message, retryAfterSeconds: error.retryAfterSeconds }
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const code = name === 'UnsupportedStepError' ? 'UNSUPPORTED' : 'UNKNOWN'
  return { code, message, retryAfterSeconds: undefined }
}
