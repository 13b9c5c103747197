import * as operations from './factor-operations.ts'
import type { FactorAddedFieldsFragment } from './generated/operations.ts'
import { type Parts, withDevice } from './parts.ts'
import type { SigningIn } from './sign-in.ts'
import type {
  BeginPasskeyRegistrationInput,
  FactorAdded,
  Factors,
  LoginResult,
  Passkey,
  PasskeyCeremony,
  PasskeyInput,
  SignedIn,
  TotpSetup,
  VerificationRequired,
} from './types.ts'

/**
 * Ways to sign in beyond the password. Those that take a `ticket` accept that of a sign-in whose result is `setup`;
 * signed-in users pass none.
 */
export type FactorMethods = {
  /** The signed-in user's ways to sign in and trusted devices. */
  get(): Promise<Factors>
  /** Emails a code, which proves that the address is the user's. Adding the first factor requires it. */
  sendEmailCode(ticket?: string): Promise<void>

  /** Begins to add an authenticator app: show the QR code and the secret. Nothing is stored yet. */
  beginTotp(ticket?: string, emailCode?: string): Promise<TotpSetup>
  /** Adds the authenticator app with its first code. With a ticket of a sign-in, also signs in. */
  confirmTotp(input: { ticket: string; code: string }): Promise<FactorAdded>
  removeTotp(): Promise<void>
  /**
   * Recovers an account whose second factors are lost, with the ticket of a sign-in with the password and a code emailed
   * for it. The first call begins a wait; a call after it removes the factors, and the next sign-in must add one.
   * @returns when the wait ends, as an ISO time; in the past if the factors have been removed
   */
  requestRecovery(input: { ticket: string; emailCode: string }): Promise<string>
  /** Replaces the recovery codes. The old ones stop working. */
  renewRecoveryCodes(): Promise<string[]>

  /** Begins to sign in with a passkey. Costs the server nothing, so that pages can call it when they open. */
  beginPasskeyLogin(): Promise<PasskeyCeremony>
  loginWithPasskey(input: {
    passkey: PasskeyInput
    deviceName?: string
    rememberMe?: boolean
  }): Promise<LoginResult>
  beginPasskeyRegistration(input: BeginPasskeyRegistrationInput): Promise<PasskeyCeremony>
  registerWithPasskey(input: {
    passkey: PasskeyInput
    deviceName?: string
  }): Promise<SignedIn | VerificationRequired>
  beginPasskey(input?: {
    ticket?: string
    emailCode?: string
    securityKey?: boolean
    automatic?: boolean
  }): Promise<PasskeyCeremony>
  addPasskey(input: { passkey: PasskeyInput; name?: string }): Promise<FactorAdded>
  /** Begins to prove the identity with a passkey, for `stepUp`. */
  beginPasskeyProof(): Promise<PasskeyCeremony>
  renamePasskey(id: string, name: string): Promise<Passkey>
  removePasskey(id: string): Promise<void>
  /** Removes the password, so that only passkeys and emails sign in. */
  removePassword(): Promise<void>

  /** Whether every sign-in of this account needs a second factor. */
  requireSecondFactor(required: boolean): Promise<void>
  revokeTrustedDevice(id: string): Promise<void>
  /** Returns how many devices are no longer trusted. */
  revokeTrustedDevices(): Promise<number>
}

/** The methods that client.ts loads on demand. */
export function factorMethods(parts: Parts, starting: SigningIn): FactorMethods {
  const { session, requests, device, tokenTransport } = parts
  const { asUser, entering, openly } = requests
  const input = (ticket: string | undefined) => (ticket === undefined ? null : { ticket })

  /** Sends as the signed-in user, or without a session when a ticket stands for the user. */
  const send: typeof openly = (document, variables) =>
    session.state.user ? asUser(document, variables) : openly(document, variables)

  /** A factor that is added changes the session's tokens, or starts the session. */
  async function adding(
    document: (typeof operations)['ConfirmTotp' | 'AddPasskey'],
    variables: Parameters<typeof openly>[1],
  ): Promise<FactorAdded> {
    type Answer = Record<string, FactorAddedFieldsFragment>
    const addedIn = (answer: Answer) => Object.values(answer)[0] as FactorAddedFieldsFragment
    if (session.state.user) {
      const answer = await session.replaceTokens(
        token => requests.withToken<Answer>(document, variables, token),
        data => addedIn(data).auth,
      )
      await device?.write(addedIn(answer).auth.deviceToken)
      return { user: addedIn(answer).auth.user, recoveryCodes: addedIn(answer).recoveryCodes }
    }
    let recoveryCodes: readonly string[] | null = null
    const { user } = (await starting.login(async () => {
      const added = addedIn((await entering(document as never, variables)) as Answer)
      recoveryCodes = added.recoveryCodes
      return added.auth
    })) as SignedIn
    return { user, recoveryCodes }
  }

  return {
    async get() {
      const { me } = await asUser(operations.Factors, {})
      return me as Factors
    },

    async sendEmailCode(ticket) {
      await send(operations.SendEmailCode, { input: input(ticket) })
    },

    beginTotp: async (ticket, emailCode) =>
      (
        await send(operations.BeginTotp, {
          input: { ...input(ticket), ...(emailCode !== undefined && { emailCode }) },
        })
      ).beginTotp,

    confirmTotp: given => adding(operations.ConfirmTotp, { input: given }),

    async removeTotp() {
      await asUser(operations.RemoveTotp, {})
    },

    requestRecovery: async given =>
      (await openly(operations.RequestFactorRecovery, { input: given })).requestFactorRecovery,

    renewRecoveryCodes: async () => (await asUser(operations.RenewRecoveryCodes, {})).renewRecoveryCodes,

    beginPasskeyLogin: async () => (await openly(operations.BeginPasskeyLogin, {})).beginPasskeyLogin,

    loginWithPasskey: given =>
      starting.login(async () => {
        const sent = await withDevice(parts, { ...given, tokenTransport })
        return (await entering(operations.LoginWithPasskey, { input: sent })).loginWithPasskey
      }),

    beginPasskeyRegistration: async given =>
      (await openly(operations.BeginPasskeyRegistration, { input: given })).beginPasskeyRegistration,

    registerWithPasskey: given =>
      starting.register(async () => {
        const sent = await withDevice(parts, { ...given, tokenTransport })
        return (await entering(operations.RegisterWithPasskey, { input: sent })).registerWithPasskey
      }),

    beginPasskey: async (given = {}) =>
      (await send(operations.BeginPasskey, { input: await withDevice(parts, given) })).beginPasskey,

    addPasskey: given => adding(operations.AddPasskey, { input: given }),

    beginPasskeyProof: async () => (await asUser(operations.BeginPasskeyProof, {})).beginPasskeyProof,

    renamePasskey: async (id, name) => (await asUser(operations.RenamePasskey, { id, name })).renamePasskey,

    async removePasskey(id) {
      await asUser(operations.RemovePasskey, { id })
    },

    async removePassword() {
      await asUser(operations.RemovePassword, {})
    },

    async requireSecondFactor(required) {
      await asUser(operations.RequireSecondFactor, { required })
    },

    async revokeTrustedDevice(id) {
      await asUser(operations.RevokeTrustedDevice, { id })
    },

    revokeTrustedDevices: async () =>
      (await asUser(operations.RevokeTrustedDevices, {})).revokeTrustedDevices,
  }
}
