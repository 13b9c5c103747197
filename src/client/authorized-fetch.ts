import { type Fetch, originOf, unlessAborted } from './http.ts'
import type { LiveSession } from './live-session.ts'
import { isRefused } from './request.ts'
import { challengeOf } from './step-up.ts'
import type { StepUpChallenge } from './types.ts'

type Parts = {
  url: string
  session: LiveSession
  fetch: Fetch
  tokenOrigins: readonly string[]
  onStepUp: ((challenge: StepUpChallenge) => Promise<void>) | undefined
}

/** `fetch` with the session's access token, for the origins that may receive it. */
export function authorizedFetch({ url, session, fetch, tokenOrigins, onStepUp }: Parts) {
  function requireAllowed(target: string): void {
    const origin = originOf(target)
    const allowed = [absolute(url), globalThis.location?.origin ?? '', ...tokenOrigins]
    if (!allowed.map(originOf).includes(origin))
      throw new TypeError(
        `client.fetch does not send the access token to ${origin}. Add this origin to tokenOrigins, or use fetch.`,
      )
  }

  /** The status tells, except at the GraphQL endpoint, where the body does. */
  async function isRefusal(response: Response, target: string): Promise<boolean> {
    if (response.status === 401) return true
    if (target !== absolute(url) || !/json/.test(response.headers.get('content-type') ?? '')) return false
    const answer: unknown = await response
      .clone()
      .json()
      .catch(() => null)
    return !!answer && typeof answer === 'object' && isRefused(answer)
  }

  return async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const target = absolute(isRequest(input) ? input.url : String(input))
    requireAllowed(target)
    const ask = (token: string | null) => {
      const headers = new Headers(init.headers ?? (isRequest(input) ? input.headers : undefined))
      if (token !== null) headers.set('authorization', `Bearer ${token}`)
      return fetch(isRequest(input) ? input.clone() : input, { ...init, headers })
    }
    const signal = init.signal ?? (isRequest(input) ? input.signal : undefined)
    const token = await unlessAborted(signal, session.token())
    const response = await ask(token)
    const readableOnce = typeof (init.body as ReadableStream | null | undefined)?.getReader === 'function'
    if (token === null || readableOnce) return response
    const challenge = challengeOf(response)
    if (challenge) {
      // The token is valid, so a new one would get the same answer.
      if (!onStepUp) return response
      await unlessAborted(signal, onStepUp(challenge))
      return ask(await unlessAborted(signal, session.token()))
    }
    if (!(await isRefusal(response, target))) return response
    const next = await unlessAborted(signal, session.renew(token))
    return next === null ? response : ask(next)
  }
}

/** Resolves an address against the page's. Outside a page, addresses must be absolute already. */
function absolute(address: string): string {
  return globalThis.location ? new URL(address, globalThis.location.href).href : address
}

function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'url' in input
}
