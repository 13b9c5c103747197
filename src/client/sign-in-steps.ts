import * as operations from './factor-operations.ts'
import { type Parts, withDevice } from './parts.ts'
import type { SigningIn } from './sign-in.ts'
import type {
  CompleteLoginInput,
  EmailLoginRequested,
  LoginResult,
  LoginWithEmailInput,
  RequestEmailLoginInput,
  SignedIn,
} from './types.ts'

/** The methods that sign-in.ts loads on demand and documents. */
export function signInSteps(parts: Parts, { login }: SigningIn) {
  const { requests, tokenTransport } = parts

  return {
    async completeLogin(input: CompleteLoginInput): Promise<SignedIn> {
      const send = async () => (await requests.entering(operations.CompleteLogin, { input })).completeLogin
      return (await login(send)) as SignedIn
    },

    async requestEmailLogin(input: RequestEmailLoginInput): Promise<EmailLoginRequested> {
      return (await requests.openly(operations.RequestEmailLogin, { input })).requestEmailLogin
    },

    loginWithEmail: (input: LoginWithEmailInput): Promise<LoginResult> =>
      login(async () => {
        const sent = await withDevice(parts, { ...input, tokenTransport })
        return (await requests.entering(operations.LoginWithEmail, { input: sent })).loginWithEmail
      }),
  }
}
