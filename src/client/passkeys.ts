import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  sendSignal,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
  WebAuthnError,
} from '@simplewebauthn/browser'
import type { AuthClient } from './client.ts'
import { AuthError } from './errors.ts'
import type {
  BeginPasskeyRegistrationInput,
  FactorAdded,
  LoginResult,
  PasskeyCeremony,
  PasskeyInput,
  ProofInput,
  SecondFactor,
  SignedIn,
  User,
  VerificationRequired,
} from './types.ts'

type Client = Pick<AuthClient, 'factors' | 'completeLogin' | 'settings'>
type RequestOptions = Parameters<typeof startAuthentication>[0]['optionsJSON']
type CreationOptions = Parameters<typeof startRegistration>[0]['optionsJSON']
type Remembered = { rememberMe?: boolean | undefined; deviceName?: string | undefined }

/** Whether this browser can use passkeys at all. */
export const supportsPasskeys: () => boolean = browserSupportsWebAuthn

/**
 * The person closed the browser's dialog, it timed out, or the device has no passkey for this site. Browsers don't tell
 * these apart.
 */
export class PasskeyCancelled extends Error {
  override readonly name = 'PasskeyCancelled'
}

/**
 * Signs in with a passkey that the person picks in the browser's dialog. Call it from a click.
 * @throws PasskeyCancelled; AuthError PASSKEY_INVALID if the server does not know the passkey
 */
export async function loginWithPasskey(client: Client, options: Remembered = {}): Promise<LoginResult> {
  return finishLogin(client, await client.factors.beginPasskeyLogin(), false, options)
}

export type AutofillOptions = Remembered & {
  onResult: (result: LoginResult) => void
  /** Receives errors of the server. A person who picks no passkey causes none. */
  onError?: ((error: unknown) => void) | undefined
}

/** A new challenge replaces the old one this long before it expires. */
const REARM_BEFORE_MS = 60_000

/**
 * Offers passkeys in the autofill of the page's input with `autocomplete="username webauthn"`. Does nothing in browsers
 * without this feature. Stop it before opening another passkey dialog.
 * @returns a function that stops it
 */
export function offerPasskeys(
  client: Client,
  { onResult, onError, ...options }: AutofillOptions,
): () => void {
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined

  async function arm(): Promise<void> {
    if (stopped || !(await browserSupportsWebAuthnAutofill())) return
    const ceremony = await client.factors.beginPasskeyLogin()
    if (stopped) return
    const leftMs = Date.parse(ceremony.expiresAt) - Date.now()
    // A clock that is wrong by hours must not make this loop run hot.
    timer = setTimeout(rearm, Math.max(leftMs - REARM_BEFORE_MS, REARM_BEFORE_MS))
    const result = await finishLogin(client, ceremony, true, options)
    clearTimeout(timer)
    if (!stopped) onResult(result)
  }

  function rearm(): void {
    clearTimeout(timer)
    arm().catch((error: unknown) => {
      // A new challenge has replaced this one, or the person declined.
      if (stopped || error instanceof PasskeyCancelled) return
      onError?.(error)
      // The person may have another passkey.
      if (error instanceof AuthError && error.code === 'PASSKEY_INVALID') rearm()
    })
  }

  rearm()
  return () => {
    stopped = true
    clearTimeout(timer)
    WebAuthnAbortService.cancelCeremony()
  }
}

async function finishLogin(
  client: Client,
  ceremony: PasskeyCeremony,
  autofill: boolean,
  { rememberMe, deviceName }: Remembered,
): Promise<LoginResult> {
  const passkey = await pick(ceremony, autofill)
  try {
    return await client.factors.loginWithPasskey({
      passkey,
      ...(rememberMe !== undefined && { rememberMe }),
      ...(deviceName !== undefined && { deviceName }),
    })
  } catch (error) {
    if (error instanceof AuthError && error.reason === 'UNKNOWN') await forget(ceremony, passkey)
    throw error
  }
}

/** Completes a sign-in whose result is `secondFactor` with a passkey or a security key. */
export async function completeLoginWithPasskey(
  client: Client,
  { ticket, passkeyOptions }: SecondFactor,
  { trustDevice = false }: { trustDevice?: boolean } = {},
): Promise<SignedIn> {
  if (!passkeyOptions) throw new TypeError('No passkey can complete this sign-in: see its methods.')
  const passkey = await pick({ ticket, options: { ...passkeyOptions } }, false)
  return client.completeLogin({ ticket, proof: { passkey }, trustDevice })
}

/** A proof for `stepUp`, from the passkey that the signed-in person picks. Call it from a click. */
export async function provePasskey(client: Client): Promise<ProofInput> {
  return { passkey: await pick(await client.factors.beginPasskeyProof(), false) }
}

/** Creates an account with a passkey and no password. Call it from a click. */
export async function registerWithPasskey(
  client: Client,
  { deviceName, ...input }: BeginPasskeyRegistrationInput & { deviceName?: string | undefined },
): Promise<SignedIn | VerificationRequired> {
  const passkey = await create(await client.factors.beginPasskeyRegistration(input), false)
  return client.factors.registerWithPasskey({ passkey, ...(deviceName !== undefined && { deviceName }) })
}

export type AddPasskeyOptions = {
  /** The ticket of a sign-in whose result is `setup`. */
  ticket?: string | undefined
  /** The person's own name for it; by default, that of the password manager. */
  name?: string | undefined
  /** A key for the second step only, instead of a passkey. */
  securityKey?: boolean | undefined
  /** Without asking the person, as after a password sign-in whose `passkeySuggestion` is AUTOMATIC. */
  automatic?: boolean | undefined
}

/** Adds a passkey or a security key to the account. Call it from a click, unless `automatic`. */
export async function addPasskey(
  client: Client,
  { name, automatic = false, securityKey = false, ticket }: AddPasskeyOptions = {},
): Promise<FactorAdded> {
  const input = { automatic, securityKey, ...(ticket !== undefined && { ticket }) }
  const passkey = await create(await client.factors.beginPasskey(input), automatic)
  return client.factors.addPasskey({ passkey, ...(name !== undefined && { name }) })
}

/**
 * Tells the browser which passkeys of the signed-in person exist and what they are called, so that password managers
 * hide removed ones and show the current name. Call it after changes of passkeys and of the name. Browsers without the
 * feature ignore it.
 */
export async function signalPasskeys(client: Client, { email, displayName }: User): Promise<void> {
  const [{ passkeys, passkeyUserHandle }, { passkeyRpId }] = await Promise.all([
    client.factors.get(),
    client.settings(),
  ])
  const known = { rpID: passkeyRpId, userID: passkeyUserHandle }
  await signal({
    ...known,
    signalName: 'allAcceptedCredentials',
    // All of them: those that are missing from the list disappear from the password manager.
    allAcceptedCredentialIDs: passkeys.map(({ credentialId }) => credentialId),
  })
  await signal({
    ...known,
    signalName: 'currentUserDetails',
    userName: email,
    userDisplayName: displayName ?? email,
  })
}

/** Browsers without the feature throw; a signal never gets an answer. */
async function signal(signaled: Parameters<typeof sendSignal>[0]): Promise<void> {
  await sendSignal(signaled).catch(() => {})
}

async function forget(
  { options }: Pick<PasskeyCeremony, 'options'>,
  { credential }: PasskeyInput,
): Promise<void> {
  await signal({
    signalName: 'unknownCredential',
    rpID: String(options.rpId),
    credentialID: String(credential.id),
  })
}

async function pick(
  { ticket, options }: Pick<PasskeyCeremony, 'ticket' | 'options'>,
  useBrowserAutofill: boolean,
): Promise<PasskeyInput> {
  const optionsJSON = options as unknown as RequestOptions
  const credential = await settled(startAuthentication({ optionsJSON, useBrowserAutofill }))
  return { ticket, credential: { ...credential } }
}

async function create({ ticket, options }: PasskeyCeremony, useAutoRegister: boolean): Promise<PasskeyInput> {
  const optionsJSON = options as unknown as CreationOptions
  const credential = await settled(startRegistration({ optionsJSON, useAutoRegister }))
  return { ticket, credential: { ...credential } }
}

const DECLINED = new Set(['NotAllowedError', 'AbortError'])

async function settled<Result>(ceremony: Promise<Result>): Promise<Result> {
  try {
    return await ceremony
  } catch (cause) {
    const isDeclined =
      (cause instanceof Error && DECLINED.has(cause.name)) ||
      (cause instanceof WebAuthnError && cause.code === 'ERROR_CEREMONY_ABORTED')
    if (!isDeclined) throw cause
    throw new PasskeyCancelled('No passkey was chosen.', { cause })
  }
}
