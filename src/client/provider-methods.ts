import { NetworkError } from './errors.ts'
import type { CompleteProviderSignInMutation, StartProviderInput } from './generated/operations.ts'
import { type Parts, withDevice } from './parts.ts'
import {
  cleanAddress,
  codeIn,
  type Flow,
  forgetFlow,
  keepFlow,
  newVerifier,
  ProviderCancelled,
  type Purpose,
  returnedFlow,
} from './provider-flow.ts'
import * as operations from './provider-operations.ts'
import type {
  AskForIdToken,
  Identity,
  ProviderLoginResult,
  ProviderMethods,
  ProviderOptions,
  ProviderReturn,
  ProviderSignInOptions,
} from './provider-types.ts'
import type { SigningIn } from './sign-in.ts'

type LoginAnswer = CompleteProviderSignInMutation['completeProviderSignIn']
type Completion = Pick<Flow, 'verifier' | 'rememberMe' | 'deviceName'> & { code: string }

/** The methods that client.ts loads on demand. */
export function providerMethods(parts: Parts, starting: SigningIn): ProviderMethods {
  const { requests, tokenTransport } = parts
  const { asUser, entering, openly } = requests

  const startAt = {
    signIn: async (input: StartProviderInput) =>
      (await openly(operations.StartProviderSignIn, { input })).startProviderSignIn,
    link: async (input: StartProviderInput) =>
      (await asUser(operations.StartProviderLink, { input })).startProviderLink,
    reauthenticate: async (input: StartProviderInput) =>
      (await asUser(operations.StartProviderReauthentication, { input })).startProviderReauthentication,
  }

  async function login(send: () => Promise<LoginAnswer>): Promise<ProviderLoginResult> {
    const answer = await starting.start(send)
    switch (answer.__typename) {
      case 'ProviderSignUpRequired': {
        const { __typename, suggestedEmail, ...pending } = answer
        return { status: 'providerSignUp', ...pending, email: suggestedEmail }
      }
      case 'ProviderLinkRequired': {
        const { __typename, ...pending } = answer
        return { status: 'providerLink', ...pending }
      }
      default:
        return starting.resultOf(answer)
    }
  }

  const completion = {
    signIn: async ({ code, verifier, rememberMe, deviceName }: Completion) => {
      const given = {
        code,
        codeVerifier: verifier,
        tokenTransport,
        ...(rememberMe !== undefined && { rememberMe }),
        ...(deviceName !== undefined && { deviceName }),
      }
      const send = () =>
        login(async () => {
          const input = await withDevice(parts, given)
          return (await entering(operations.CompleteProviderSignIn, { input })).completeProviderSignIn
        })
      // The server answers a repeated completion with the same session.
      return { purpose: 'signIn' as const, result: await repeatedOnce(send) }
    },
    link: async ({ code, verifier }: Completion) => {
      const input = { code, codeVerifier: verifier }
      const { completeProviderLink } = await asUser(operations.CompleteProviderLink, { input })
      return { purpose: 'link' as const, identity: completeProviderLink }
    },
    reauthenticate: async ({ code, verifier }: Completion) => {
      const input = { code, codeVerifier: verifier }
      const { completeProviderReauthentication } = await asUser(operations.CompleteProviderReauthentication, {
        input,
      })
      return { purpose: 'reauthenticate' as const, session: completeProviderReauthentication }
    },
  }

  /** Goes to the provider, and with `open` also comes back. */
  async function begin<Name extends Purpose>(
    purpose: Name,
    provider: string,
    { returnTo, open, loginHint, storage, crypto, ...more }: ProviderOptions & Partial<ProviderSignInOptions>,
  ): Promise<Awaited<ReturnType<(typeof completion)[Name]>> | undefined> {
    const { verifier, codeChallenge } = await newVerifier({ crypto })
    const { url } = await startAt[purpose]({
      provider,
      returnTo,
      codeChallenge,
      // An app's browser may not share its cookies with the app.
      tokenTransport: open ? 'BODY' : tokenTransport,
      ...(loginHint !== undefined && { loginHint }),
    })
    const flow: Flow = { ...more, purpose, verifier }
    // Also with `open`: Android may end the app meanwhile, and the address then opens it anew.
    await keepFlow(flow, storage)
    if (!open) {
      globalThis.location.assign(url)
      return undefined
    }
    try {
      const code = codeIn(await open(url, returnTo))
      const done = await completion[purpose]({ ...flow, code })
      return done as Awaited<ReturnType<(typeof completion)[Name]>>
    } finally {
      await forgetFlow(storage)
    }
  }

  let returning: Promise<ProviderReturn | null> | undefined

  async function completeReturn({ url, storage }: Parameters<ProviderMethods['handleReturn']>[0] = {}) {
    const address = url ?? globalThis.location?.href ?? ''
    let flow: Awaited<ReturnType<typeof returnedFlow>>
    try {
      flow = await returnedFlow(address, storage)
    } finally {
      if (url === undefined) cleanAddress()
    }
    if (!flow) return null
    try {
      const done = await completion[flow.purpose](flow)
      await forgetFlow(storage)
      return done
    } catch (error) {
      // Without an answer, the flow stays for the next attempt.
      if (!(error instanceof NetworkError)) await forgetFlow(storage)
      throw error
    }
  }

  async function idTokenFrom(provider: string, ask: AskForIdToken) {
    const { createProviderNonce } = await openly(operations.CreateProviderNonce, {})
    const answer = await ask(createProviderNonce.nonce)
    if (!answer) throw new ProviderCancelled('The dialog of the provider was closed.')
    const given = typeof answer === 'string' ? { idToken: answer } : answer
    return { provider, nonce: createProviderNonce.nonce, tokenTransport, ...given }
  }

  return {
    signIn: (async (id: string, options: ProviderSignInOptions) =>
      (await begin('signIn', id, options))?.result) as ProviderMethods['signIn'],

    link: (async (id: string, options: ProviderOptions) =>
      (await begin('link', id, options))?.identity) as ProviderMethods['link'],

    reauthenticate: (async (id: string, options: ProviderOptions) => {
      await begin('reauthenticate', id, options)
    }) as ProviderMethods['reauthenticate'],

    // Frameworks run effects twice. The code is valid once.
    handleReturn(options) {
      returning ??= completeReturn(options).finally(() => {
        returning = undefined
      })
      return returning
    },

    completeSignUp: given =>
      starting.register(async () => {
        const input = await withDevice(parts, { ...given, tokenTransport })
        return (await entering(operations.CompleteProviderSignUp, { input })).completeProviderSignUp
      }),

    async signInWithIdToken(id, ask, { rememberMe, deviceName } = {}) {
      const given = {
        ...(await idTokenFrom(id, ask)),
        ...(rememberMe !== undefined && { rememberMe }),
        ...(deviceName !== undefined && { deviceName }),
      }
      return login(async () => {
        const input = await withDevice(parts, given)
        return (await entering(operations.SignInWithIdToken, { input })).signInWithIdToken
      })
    },

    linkIdentity: async ticket => (await asUser(operations.LinkIdentity, { input: { ticket } })).linkIdentity,

    async unlink(id) {
      await asUser(operations.UnlinkIdentity, { id })
    },

    logoutUrl: async returnTo =>
      (await asUser(operations.ProviderLogoutUrl, { returnTo })).providerLogoutUrl ?? null,

    async identities(): Promise<readonly Identity[]> {
      return (await asUser(operations.Identities, {})).me?.identities ?? []
    },
  }
}

/** Runs it again if its answer is lost. */
async function repeatedOnce<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return run()
  }
}
