import { type AnswerError, AuthError, NetworkError } from './errors.ts'
import type { Proofs } from './proofs.ts'
import type { SessionKey } from './session-key.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export type Answer<Data> = { readonly data?: Data | null; readonly errors?: readonly AnswerError[] }

export type Sending = {
  /** An access token. */
  token?: string | undefined
  /** The request proves that this client holds the key. A token that is bound to a key needs none here. */
  key?: SessionKey | undefined
  signal?: AbortSignal | undefined
  /** Lets the request finish after the page is closed. */
  keepalive?: boolean
  credentials?: RequestCredentials
}

export type Post = <Data>(document: string, variables: unknown, sending?: Sending) => Promise<Answer<Data>>

/**
 * Sends documents to the endpoint `url`.
 * @throws NetworkError if no GraphQL answer arrives within `timeoutMs`; the reason of `signal`
 */
export function poster(
  url: string,
  fetch: Fetch,
  credentials: RequestCredentials,
  timeoutMs: number,
  proofs: Proofs,
): Post {
  async function send<Data>(
    query: string,
    variables: unknown,
    { token, key, signal, ...init }: Sending,
    isRepeat: boolean,
  ): Promise<Answer<Data>> {
    const authentication = await proofs.headers({ url, method: 'POST', token, key })
    const cancel = new AbortController()
    const abort = () => cancel.abort()
    // React Native lacks AbortSignal.any and AbortSignal.timeout.
    const timer = setTimeout(abort, timeoutMs)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    let response: Response | undefined
    let text: string | undefined
    let answer: Answer<Data>
    try {
      response = await fetch(url, {
        credentials,
        ...init,
        method: 'POST',
        headers: {
          accept: 'application/graphql-response+json, application/json',
          'content-type': 'application/json',
          ...authentication,
        },
        body: JSON.stringify({ query, variables }),
        signal: cancel.signal,
      })
      text = await response.text()
      answer = answerIn(text)
    } catch (cause) {
      if (signal?.aborted) throw reasonOf(signal)
      const facts = { cause, status: response?.status, retryAfterSeconds: retryAfterOf(response) }
      if (cancel.signal.aborted)
        throw new NetworkError(`${url} did not answer within ${timeoutMs / 1000} s. Try again.`, facts)
      throw new NetworkError(text === undefined ? unreachable(url) : misplaced(url, response), facts)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const hasNonce = key && proofs.learnNonce(url, response)
    // RFC 9449, section 8. The server has done nothing yet.
    return hasNonce && !isRepeat && answer.errors?.[0]?.extensions?.reason === 'DPOP_NONCE'
      ? send(query, variables, { token, key, signal, ...init }, true)
      : answer
  }

  return async (query, variables, sending = {}) =>
    send(query, variables, { ...sending, key: sending.key ?? (await proofs.keyOf(sending.token)) }, false)
}

/** Resolves an address against the page's. Outside a page, addresses must be absolute already. */
export function absolute(address: string): string {
  return globalThis.location ? new URL(address, globalThis.location.href).href : address
}

function answerIn<Data>(text: string): Answer<Data> {
  const answer = JSON.parse(text) as Answer<Data> | null
  if (!answer?.data && !answer?.errors?.[0]) throw new SyntaxError('The response is not a GraphQL answer.')
  return answer
}

/** A browser does not tell scripts whether the network failed or CORS blocked the page. */
function unreachable(url: string): string {
  const page = globalThis.location?.origin
  const crossOrigin = page !== undefined && /^https?:/i.test(url) && originOf(url) !== page
  const hint = crossOrigin ? ` If the server is running, add ${page} to its CORS_ORIGINS.` : ''
  return `Could not reach ${url}. Check the connection, then try again.${hint}`
}

/** React Native's URL has no origin. An address without one is returned whole, which no allowed origin equals. */
export function originOf(address: string): string {
  return /^https?:\/\/[^/?#]+/i.exec(address)?.[0].toLowerCase() ?? address
}

function misplaced(url: string, response: Response | undefined): string {
  return `${url} answered ${response?.status} without a GraphQL answer. Try again. If it keeps failing, check the address.`
}

/** In seconds. Dates are ignored, because the device's clock may be wrong. */
function retryAfterOf(response: Response | undefined): number | undefined {
  const seconds = Number.parseInt(response?.headers?.get('retry-after') ?? '', 10)
  return Number.isNaN(seconds) ? undefined : seconds
}

function reasonOf(signal: AbortSignal): unknown {
  // Signals have no reason in older versions of React Native.
  return signal.reason ?? Object.assign(new Error('This operation was aborted.'), { name: 'AbortError' })
}

/** Settles like `promise`, or rejects with the signal's reason. The work continues for other callers. */
export async function unlessAborted<Result>(
  signal: AbortSignal | null | undefined,
  promise: Promise<Result>,
): Promise<Result> {
  if (!signal) return promise
  let abort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(reasonOf(signal))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** @throws AuthError if the answer has errors */
export function dataOf<Data>({ data, errors }: Answer<Data>): Data {
  if (errors?.[0]) throw new AuthError(errors[0])
  return data as Data
}

const ATTEMPTS = 4
const FIRST_DELAY_MS = 250
/** If the server asks for a longer delay than this, the request fails instead of waiting. */
const LONGEST_DELAY_MS = 5000

/**
 * Runs `run`, which must be safe to repeat, up to four times with growing delays while the answer is lost or
 * the server is overloaded. Stops early when `signal` is aborted.
 */
export async function persistently<Result>(signal: AbortSignal, run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const delayMs = retryDelayMs(error, attempt)
      if (signal.aborted || delayMs === undefined) throw error
      await sleep(delayMs, signal)
    }
  }
}

function retryDelayMs(error: unknown, attempt: number): number | undefined {
  if (attempt >= ATTEMPTS) return undefined
  // Jitter keeps clients that lost the server at the same time from returning at the same time.
  const delayMs = FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
  const askedMs = (delaySecondsFor(error) ?? Number.POSITIVE_INFINITY) * 1000
  return askedMs > LONGEST_DELAY_MS ? undefined : Math.max(delayMs, askedMs)
}

/** Undefined if repeating does not help. */
function delaySecondsFor(error: unknown): number | undefined {
  if (error instanceof AuthError) {
    // A refresh right after a step-up in another tab: by then, the other tab has stored the new tokens.
    if (error.code === 'CONFLICT') return error.retryAfterSeconds
    return error.code === 'SERVICE_UNAVAILABLE' ? (error.retryAfterSeconds ?? 0) : undefined
  }
  if (!(error instanceof NetworkError)) return undefined
  return error.retryAfterSeconds ?? (error.status === 429 ? undefined : 0)
}

/** Resolves after `durationMs`, or when `signal` is aborted. */
export function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, durationMs)
    signal?.addEventListener('abort', end)
  })
}
