import { type AnswerError, AuthError, NetworkError } from './errors.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export type Answer<Data> = { readonly data?: Data | null; readonly errors?: readonly AnswerError[] }

export type Sending = {
  /** An access token. */
  token?: string | undefined
  signal?: AbortSignal | undefined
  /** Goes on when the page is left. */
  keepalive?: boolean
  credentials?: RequestCredentials
}

export type Post = <Data>(document: string, variables: unknown, sending?: Sending) => Promise<Answer<Data>>

/**
 * Sends documents to the endpoint `url`.
 * @throws NetworkError where no answer of GraphQL comes within `timeoutMs`; the reason of `signal`
 */
export function poster(url: string, fetch: Fetch, credentials: RequestCredentials, timeoutMs: number): Post {
  return async (query, variables, { token, signal, ...init } = {}) => {
    const cancel = new AbortController()
    const abort = () => cancel.abort()
    // One controller by hand: AbortSignal.any and AbortSignal.timeout are missing from React Native.
    const timer = setTimeout(abort, timeoutMs)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    let response: Response | undefined
    let text: string | undefined
    try {
      response = await fetch(url, {
        credentials,
        ...init,
        method: 'POST',
        headers: {
          accept: 'application/graphql-response+json, application/json',
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query, variables }),
        signal: cancel.signal,
      })
      text = await response.text()
      return answerIn(text)
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
  }
}

function answerIn<Data>(text: string): Answer<Data> {
  const answer = JSON.parse(text) as Answer<Data> | null
  if (!answer?.data && !answer?.errors?.[0]) throw new SyntaxError('The answer is not one of GraphQL.')
  return answer
}

/** A browser does not tell a script whether the network failed or the server did not allow the page. */
function unreachable(url: string): string {
  const page = globalThis.location?.origin
  const foreign = page !== undefined && /^https?:/i.test(url) && originOf(url) !== page
  const hint = foreign ? ` If it runs, its CORS_ORIGINS must name ${page}.` : ''
  return `${url} could not be reached. Check the connection, then try again.${hint}`
}

/** By hand, because the URL of React Native has no origin. What is not a plain origin fits no list. */
export function originOf(address: string): string {
  return /^https?:\/\/[^/?#]+/i.exec(address)?.[0].toLowerCase() ?? address
}

function misplaced(url: string, response: Response | undefined): string {
  return `${url} answered ${response?.status}, and not with GraphQL. Try again; if that does not help, check the address.`
}

/** In seconds. A date says nothing to a device whose clock may be wrong. */
function retryAfterOf(response: Response | undefined): number | undefined {
  const seconds = Number.parseInt(response?.headers?.get('retry-after') ?? '', 10)
  return Number.isNaN(seconds) ? undefined : seconds
}

function reasonOf(signal: AbortSignal): unknown {
  // The signals of older React Natives have no reason.
  return signal.reason ?? Object.assign(new Error('This operation was aborted.'), { name: 'AbortError' })
}

/** What `promise` gives, unless `signal` is aborted first: then its reason. The work goes on, for others. */
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

/**
 * What an answer says.
 * @throws AuthError where it has errors
 */
export function dataOf<Data>({ data, errors }: Answer<Data>): Data {
  if (errors?.[0]) throw new AuthError(errors[0])
  return data as Data
}

const ATTEMPTS = 4
const FIRST_DELAY_MS = 250
/** A server that asks for a longer break than this is left alone until somebody asks again. */
const LONGEST_DELAY_MS = 5000

/**
 * Repeats what is safe to repeat, up to three times and with growing delays, while the answer is lost or the
 * server is overloaded. Ends early when `signal` is aborted.
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
  // Spread, so that the clients that a server lost at once do not come back at once.
  const delayMs = FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
  const askedMs = (breakAskedFor(error) ?? Number.POSITIVE_INFINITY) * 1000
  return askedMs > LONGEST_DELAY_MS ? undefined : Math.max(delayMs, askedMs)
}

/** In seconds; undefined where repeating does not help. */
function breakAskedFor(error: unknown): number | undefined {
  if (error instanceof AuthError)
    return error.code === 'SERVICE_UNAVAILABLE' ? (error.retryAfterSeconds ?? 0) : undefined
  if (!(error instanceof NetworkError)) return undefined
  return error.retryAfterSeconds ?? (error.status === 429 ? undefined : 0)
}

/** Waits, or not to the end where `signal` is aborted. */
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
