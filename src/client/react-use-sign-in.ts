'use client'

import { useCallback, useRef, useState } from 'react'
import { AuthError, type ErrorCode, NetworkError } from './errors.ts'
import { useAuth } from './react-auth.ts'
import type {
  AuthMethod,
  LoginInput,
  LoginResult,
  ProofInput,
  SecondFactor,
  SecondFactorSetup,
  User,
} from './types.ts'

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
  | { readonly step: 'signedIn'; readonly user: User }

type Step =
  | { readonly step: 'credentials' }
  | { readonly step: 'secondFactor'; pending: SecondFactor }
  | { readonly step: 'setup'; pending: SecondFactorSetup }
  | { readonly step: 'verifyEmail'; email: string; resent: boolean }

const IDLE: Attempt = { busy: false, problem: undefined }

/** Signs in, without any markup. `<SignIn />` is built on it. */
export function useSignIn(): SignInState {
  const { client, user } = useAuth()
  const [step, setStep] = useState<Step>({ step: 'credentials' })
  const [attempt, setAttempt] = useState(IDLE)
  const busy = useRef(false)

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

  const signIn = useCallback(
    (input: LoginInput) =>
      run(async () => {
        try {
          return stepAfter(await client.login(input))
        } catch (error) {
          // A username does not tell where to send the email.
          const isUnverified = error instanceof AuthError && error.code === 'EMAIL_NOT_VERIFIED'
          if (!isUnverified || !input.identifier.includes('@')) throw error
          return { step: 'verifyEmail', email: input.identifier, resent: false }
        }
      }),
    [client, run],
  )

  if (user) return { step: 'signedIn', user }
  if (step.step === 'credentials') return { ...step, ...attempt, signIn }
  const back = () => {
    setStep({ step: 'credentials' })
    setAttempt(IDLE)
  }
  if (step.step === 'setup') return { ...step, ...attempt, back }
  if (step.step === 'secondFactor') {
    const { ticket, methods, canTrustDevice } = step.pending
    return {
      ...step,
      ...attempt,
      methods,
      canTrustDevice,
      complete: (proof, { trustDevice = false } = {}) =>
        run(async () => stepAfter(await client.completeLogin({ ticket, proof, trustDevice }))),
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

function stepAfter(result: LoginResult): Step {
  if (result.status === 'signedIn') return { step: 'credentials' }
  return result.status === 'setup'
    ? { step: 'setup', pending: result }
    : { step: 'secondFactor', pending: result }
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
