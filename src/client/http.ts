import { type AnswerError, AuthError, NetworkError } from './errors.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export type Answer<Data> = { readonly data?: Data | null; readonly errors?: readonly AnswerError[] }

export type Sending = {
  /** An access token. */
  token?: string | undefined
  signal?: AbortSignal
  /** Goes on when the page is left. */
  keepalive?: boolean
  credentials?: RequestCredentials
}

export type Post = <Data>(document: string, variables: unknown, sending?: Sending) => Promise<Answer<Data>>

/**
 * Sends documents to the endpoint `url`.
 * @throws NetworkError where no answer of GraphQL comes within `timeoutMs`
 */
export function poster(url: string, fetch: Fetch, credentials: RequestCredentials, timeoutMs: number): Post {
  return async (query, variables, { token, signal, ...init } = {}) => {
    const cancel = new AbortController()
    const abort = () => cancel.abort()
    // One controller by hand: AbortSignal.any and AbortSignal.timeout are missing from React Native.
    const timer = setTimeout(abort, timeoutMs)
    signal?.addEventListener('abort', abort)
    let status: number | undefined
    try {
      const response = await fetch(url, {
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
      status = response.status
      return answerIn(await response.text())
    } catch (cause) {
      throw new NetworkError(
        cancel.signal.aborted && !signal?.aborted
          ? `${url} did not answer within ${timeoutMs / 1000} s. Try again.`
          : `${url} could not be reached. Check the connection, then try again.`,
        { cause, ...(status !== undefined && { status }) },
      )
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }
}

function answerIn<Data>(text: string): Answer<Data> {
  const answer = JSON.parse(text) as Answer<Data> | null
  if (!answer || typeof answer !== 'object' || !('data' in answer || Array.isArray(answer.errors)))
    throw new SyntaxError('The answer is not one of GraphQL.')
  return answer
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
  if (error instanceof NetworkError) return delayMs
  if (!(error instanceof AuthError) || error.code !== 'SERVICE_UNAVAILABLE') return undefined
  const askedMs = (error.retryAfterSeconds ?? 0) * 1000
  return askedMs > LONGEST_DELAY_MS ? undefined : Math.max(delayMs, askedMs)
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
