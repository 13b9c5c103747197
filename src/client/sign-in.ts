import * as operations from './operations.ts'
import { type Parts, withDevice } from './parts.ts'
import type {
  EmailLoginRequested,
  LoginInput,
  LoginWithEmailInput,
  RegisterInput,
  RequestEmailLoginInput,
  SignedIn,
  VerificationRequired,
} from './types.ts'

export function signInMethods(parts: Parts) {
  const { session, requests, device } = parts
  const tokenTransport = parts.transport === 'cookie' ? 'COOKIE' : 'BODY'

  return {
    /** Creates an account and signs in, unless the address must be verified first. */
    async register(input: RegisterInput): Promise<SignedIn | VerificationRequired> {
      const answer = await session.signIn(async () => {
        const sent = await withDevice(parts, { ...input, tokenTransport } as const)
        const { register } = await requests.openly(operations.Register, { input: sent })
        if (register.__typename === 'AuthPayload') await device?.write(register.deviceToken)
        return register
      })
      if (answer.__typename === 'EmailVerificationRequired')
        return { status: 'verificationRequired', email: answer.email }
      if (answer.__typename !== 'AuthPayload') throw unknownOutcome(answer)
      return { status: 'signedIn', user: answer.user }
    },

    /** Signs in, here and in the other tabs. The previous session, if any, stays active on the server. */
    async login(input: LoginInput): Promise<SignedIn> {
      const answer = await session.signIn(async () => {
        const sent = await withDevice(parts, { ...input, tokenTransport } as const)
        const { login } = await requests.openly(operations.Login, { input: sent })
        if (login.__typename === 'AuthPayload') await device?.write(login.deviceToken)
        return login
      })
      if (answer.__typename !== 'AuthPayload') throw unknownOutcome(answer)
      return { status: 'signedIn', user: answer.user }
    },

    /** Emails a code and a link to sign in with. Keep the ticket for the code. Every address gets the same answer. */
    async requestEmailLogin(input: RequestEmailLoginInput): Promise<EmailLoginRequested> {
      const { requestEmailLogin } = await requests.openly(operations.RequestEmailLogin, { input })
      return requestEmailLogin
    },

    /** Signs in with the token of an emailed link, or with the ticket and the emailed code; as `login` otherwise. */
    async loginWithEmail(input: LoginWithEmailInput): Promise<SignedIn> {
      const answer = await session.signIn(async () => {
        const sent = await withDevice(parts, { ...input, tokenTransport } as const)
        const { loginWithEmail } = await requests.openly(operations.LoginWithEmail, { input: sent })
        if (loginWithEmail.__typename === 'AuthPayload') await device?.write(loginWithEmail.deviceToken)
        return loginWithEmail
      })
      if (answer.__typename !== 'AuthPayload') throw unknownOutcome(answer)
      return { status: 'signedIn', user: answer.user }
    },

    /**
     * Immediately signs out here and in the other tabs, then tells the server. If that fails, the promise
     * rejects and the session stays active on the server and in its cookie: show the error, and call
     * `logout` again.
     */
    logout: (): Promise<void> => session.signOut(),
  }
}

function unknownOutcome({ __typename }: { __typename: string }): Error {
  const error = new Error(
    `The server requires ${__typename}, which this version of authograph-client does not support.`,
  )
  return Object.assign(error, { name: 'UnsupportedStepError' })
}
