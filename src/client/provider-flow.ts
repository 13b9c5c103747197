import { AuthError } from './errors.ts'
import { FLOW_KEY } from './provider-pending.ts'
import type { FlowCrypto, FlowStorage, ProviderOptions } from './provider-types.ts'

/** A verifier of 64 hexadecimal digits. RFC 7636, section 4.1, asks for 43 to 128 characters. */
const VERIFIER_BYTES = 32
/** The server repeats the answer to a completion for so long. */
const REPEAT_MS = 60_000

export type Purpose = 'signIn' | 'link' | 'reauthenticate'

/** What a flow needs when it returns. The verifier never leaves this client before that. */
export type Flow = {
  readonly purpose: Purpose
  readonly verifier: string
  readonly rememberMe?: boolean | undefined
  readonly deviceName?: string | undefined
  /** Once it has returned. */
  readonly code?: string
  readonly returnedAtMs?: number
}

/** The person closed the provider's page or dialog. */
export class ProviderCancelled extends Error {
  override readonly name = 'ProviderCancelled'
}

/** A new verifier and its challenge (RFC 7636, method S256). */
export async function newVerifier({ crypto = webCrypto() }: Pick<ProviderOptions, 'crypto'>) {
  const bytes = crypto.randomBytes(VERIFIER_BYTES)
  const verifier = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  const digest = await crypto.sha256(verifier)
  return {
    verifier,
    codeChallenge: digest.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
  }
}

function webCrypto(): FlowCrypto {
  const { crypto } = globalThis
  if (!crypto?.subtle)
    throw new TypeError('This platform has no Web Crypto API. Pass `crypto`; pages must be served by https.')
  return {
    randomBytes: count => crypto.getRandomValues(new Uint8Array(count)),
    sha256: async text => {
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
      return btoa(String.fromCharCode(...new Uint8Array(digest)))
    },
  }
}

let inMemory: string | null = null
const memory: FlowStorage = {
  get: () => inMemory,
  set: text => {
    inMemory = text
  },
  remove: () => {
    inMemory = null
  },
}

/** One tab has one flow at a time. If the user blocks storage, the flow cannot survive the way to the provider. */
function tabStorage(): FlowStorage {
  try {
    const storage = globalThis.sessionStorage
    if (!storage) return memory
    return {
      get: () => storage.getItem(FLOW_KEY),
      set: text => storage.setItem(FLOW_KEY, text),
      remove: () => storage.removeItem(FLOW_KEY),
    }
  } catch {
    return memory
  }
}

export async function keepFlow(flow: Flow, storage = tabStorage()): Promise<void> {
  await storage.set(JSON.stringify(flow))
}

export async function forgetFlow(storage = tabStorage()): Promise<void> {
  await storage.remove()
}

/** The flow that has returned to `url`, or returned before and could not be completed. Undefined if there is none. */
export async function returnedFlow(
  url: string,
  storage = tabStorage(),
): Promise<(Flow & { code: string }) | undefined> {
  const flow = parsed(await storage.get())
  const error = parameter(url, 'provider_error')
  if (error !== undefined) {
    await storage.remove()
    throw refusal(error)
  }
  const code = parameter(url, 'provider_code')
  if (code === undefined) {
    if (!flow?.code) return undefined
    if (Date.now() - (flow.returnedAtMs ?? 0) < REPEAT_MS) return { ...flow, code: flow.code }
    await storage.remove()
    return undefined
  }
  // Begun in another browser or tab, which has the verifier.
  if (!flow) throw refusal('TOKEN_INVALID')
  const returned = { ...flow, code, returnedAtMs: Date.now() }
  await keepFlow(returned, storage)
  return returned
}

/** The code in the address that a browser in an app returned to. */
export function codeIn(url: string | null | undefined): string {
  if (!url) throw new ProviderCancelled('The browser was closed.')
  const error = parameter(url, 'provider_error')
  if (error !== undefined) throw refusal(error)
  const code = parameter(url, 'provider_code')
  if (code === undefined) throw refusal('PROVIDER_FAILED')
  return code
}

/** Removes the provider's answer from the address bar and the history. */
export function cleanAddress(): void {
  if (!globalThis.location || !globalThis.history?.replaceState) return
  const url = new URL(location.href)
  if (!url.searchParams.has('provider_code') && !url.searchParams.has('provider_error')) return
  url.searchParams.delete('provider_code')
  url.searchParams.delete('provider_error')
  history.replaceState(history.state, '', url)
}

const MESSAGES: Record<string, string> = {
  PROVIDER_DENIED: 'The person or the provider refused.',
  TOKEN_INVALID: 'This sign-in did not begin here, or has expired. Start again.',
}

function refusal(code: string): AuthError {
  return new AuthError({ message: MESSAGES[code] ?? 'The provider failed.', extensions: { code } })
}

/** Without `URL`, which React Native has only in part. */
function parameter(url: string, name: string): string | undefined {
  const found = new RegExp(`[?&]${name}=([^&#]*)`).exec(url)?.[1]
  return found === undefined ? undefined : decodeURIComponent(found)
}

function parsed(text: string | null): Flow | undefined {
  try {
    return text ? (JSON.parse(text) as Flow) : undefined
  } catch {
    return undefined
  }
}
