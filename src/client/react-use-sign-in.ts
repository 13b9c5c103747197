'use client'

import { useCallback, useRef, useState } from 'react'
import { AuthError, type ErrorCode, NetworkError } from './errors.ts'
import { useAuth } from './react-auth.ts'
import type { LoginInput, User } from './types.ts'

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
          await client.login(input)
          return { step: 'credentials' }
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
  return {
    ...step,
    ...attempt,
    resend: () =>
      run(async () => {
        await client.resendVerificationEmail(step.email)
        return { ...step, resent: true }
      }),
    back: () => {
      setStep({ step: 'credentials' })
      setAttempt(IDLE)
    },
  }
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
