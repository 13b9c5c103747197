import type { LoginFieldsFragment } from './generated/operations.ts'
import type { SignInAnswer } from './live-session.ts'
import { onDemand } from './on-demand.ts'
import * as operations from './operations.ts'
import { type Parts, withDevice } from './parts.ts'
import type {
  CompleteLoginInput,
  EmailLoginRequested,
  LoginInput,
  LoginResult,
  LoginWithEmailInput,
  RegisterInput,
  RequestEmailLoginInput,
  SignedIn,
  VerificationRequired,
} from './types.ts'

type Payload = Extract<LoginFieldsFragment, { __typename: 'AuthPayload' }>
type RegisterAnswer = Payload | { __typename: 'EmailVerificationRequired'; email: string }

/** Runs the operations that start a session. Each of them stores the device token, and knows every outcome. */
export function signingIn(parts: Parts) {
  const { session, device } = parts
  const start = <Answer extends SignInAnswer>(send: () => Promise<Answer>): Promise<Answer> =>
    session.signIn(async () => {
      const answer = await send()
      if (answer.__typename === 'AuthPayload') await device?.write((answer as Payload).deviceToken)
      return answer
    })

  return {
    start,

    resultOf,

    login: async (send: () => Promise<LoginFieldsFragment>): Promise<LoginResult> =>
      resultOf(await start(send)),

    register: async (send: () => Promise<RegisterAnswer>): Promise<SignedIn | VerificationRequired> => {
      const answer = await start(send)
      if (answer.__typename === 'EmailVerificationRequired')
        return { status: 'verificationRequired', email: answer.email }
      if (answer.__typename !== 'AuthPayload') throw unknownOutcome(answer)
      return signedIn(answer)
    },
  }
}

export type SigningIn = ReturnType<typeof signingIn>

export function signInMethods(parts: Parts) {
  const { session, requests, tokenTransport } = parts
  const starting = signingIn(parts)
  const steps = onDemand(async () => (await import('./sign-in-steps.ts')).signInSteps(parts, starting))

  return {
    /** Creates an account and signs in, unless the address must be verified first. */
    register: (input: RegisterInput): Promise<SignedIn | VerificationRequired> =>
      starting.register(async () => {
        const sent = await withDevice(parts, { ...input, tokenTransport })
        return (await requests.entering(operations.Register, { input: sent })).register
      }),

    /**
     * Signs in, here and in the other tabs. The previous session, if any, stays active on the server. The result says
     * what comes next: nothing, a second factor (`completeLogin`), or adding one (`client.factors`).
     */
    login: (input: LoginInput): Promise<LoginResult> =>
      starting.login(async () => {
        const sent = await withDevice(parts, { ...input, tokenTransport })
        return (await requests.entering(operations.Login, { input: sent })).login
      }),

    /** Completes a sign-in whose result is `secondFactor`. After a wrong code, try again with the same ticket. */
    completeLogin: async (input: CompleteLoginInput): Promise<SignedIn> =>
      (await steps()).completeLogin(input),

    /** Emails a code and a link to sign in with. Keep the ticket for the code. Every address gets the same answer. */
    requestEmailLogin: async (input: RequestEmailLoginInput): Promise<EmailLoginRequested> =>
      (await steps()).requestEmailLogin(input),

    /** Signs in with the token of an emailed link, or with the ticket and the emailed code; as `login` otherwise. */
    loginWithEmail: async (input: LoginWithEmailInput): Promise<LoginResult> =>
      (await steps()).loginWithEmail(input),

    /**
     * Immediately signs out here and in the other tabs, then tells the server. If that fails, the promise
     * rejects and the session stays active on the server and in its cookie: show the error, and call
     * `logout` again.
     */
    logout: (): Promise<void> => session.signOut(),
  }
}

/** What comes next after a sign-in. */
function resultOf(answer: LoginFieldsFragment): LoginResult {
  switch (answer.__typename) {
    case 'AuthPayload':
      return signedIn(answer)
    case 'SecondFactorRequired': {
      const { __typename, ...pending } = answer
      return { status: 'secondFactor', ...pending }
    }
    case 'SecondFactorSetupRequired': {
      const { __typename, ...pending } = answer
      return { status: 'setup', ...pending }
    }
    default:
      throw unknownOutcome(answer)
  }
}

function signedIn({ user, passkeySuggestion }: Payload): SignedIn {
  return { status: 'signedIn', user, passkeySuggestion }
}

function unknownOutcome({ __typename }: { __typename: string }): Error {
  const error = new Error(
    `The server requires ${__typename}, which this version of authograph-client does not support.`,
  )
  return Object.assign(error, { name: 'UnsupportedStepError' })
}
