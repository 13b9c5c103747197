import { serverTimeMs } from './access-token.ts'
import { type Answer, absolute, type Fetch, originOf, unlessAborted } from './http.ts'
import type { LiveSession } from './live-session.ts'
import type { Proofs } from './proofs.ts'
import { isRefused } from './request.ts'
import { challengeOf } from './step-up.ts'
import type { StepUpChallenge } from './types.ts'

type Parts = {
  url: string
  session: LiveSession
  proofs: Proofs
  fetch: Fetch
  tokenOrigins: readonly string[]
  onStepUp: ((challenge: StepUpChallenge) => Promise<void>) | undefined
}

/** `fetch` with the session's access token, for the origins that may receive it. */
export function authorizedFetch({ url, session, proofs, fetch, tokenOrigins, onStepUp }: Parts) {
  function requireAllowed(target: string): void {
    const origin = originOf(target)
    const allowed = [absolute(url), globalThis.location?.origin ?? '', ...tokenOrigins]
    if (!allowed.map(originOf).includes(origin))
      throw new TypeError(
        `client.fetch does not send the access token to ${origin}. Add this origin to tokenOrigins, or use fetch.`,
      )
  }

  const nowMs = () => session.access && serverTimeMs(session.access)

  /** The status tells, except at the GraphQL endpoint, where the body does. */
  async function isRefusal(response: Response, target: string): Promise<boolean> {
    return response.status === 401 || isRefused(await answerOf(response, target))
  }

  /** RFC 9449, sections 8 and 9. */
  async function asksForNonce(response: Response, target: string): Promise<boolean> {
    if (/\buse_dpop_nonce\b/.test(response.headers.get('www-authenticate') ?? '')) return true
    const { errors } = await answerOf(response, target)
    return Array.isArray(errors) && errors.some(error => error?.extensions?.reason === 'DPOP_NONCE')
  }

  /** What the endpoint answered; empty for other addresses. */
  async function answerOf(response: Response, target: string): Promise<Answer<unknown>> {
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    if (!isJson || target !== absolute(url)) return {}
    const answer: unknown = await response
      .clone()
      .json()
      .catch(() => null)
    return answer && typeof answer === 'object' ? answer : {}
  }

  /** The fields that authenticate one request to `address`; none when signed out. */
  async function authorization(address: string, method: string): Promise<Record<string, string>> {
    const target = absolute(address)
    requireAllowed(target)
    const token = await session.token()
    return token === null ? {} : fieldsFor(target, method, token)
  }

  async function fieldsFor(target: string, method: string, token: string): Promise<Record<string, string>> {
    const key = await proofs.keyOf(token)
    return proofs.headers({ url: target, method, token, key, nowMs: nowMs() })
  }

  async function authorized(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const target = absolute(isRequest(input) ? input.url : String(input))
    requireAllowed(target)
    const method = (init.method ?? (isRequest(input) ? input.method : 'GET')).toUpperCase()
    const readableOnce = typeof (init.body as ReadableStream | null | undefined)?.getReader === 'function'
    const ask = async (token: string | null, isRepeat = false): Promise<Response> => {
      const headers = new Headers(init.headers ?? (isRequest(input) ? input.headers : undefined))
      const fields = token === null ? {} : await fieldsFor(target, method, token)
      for (const [name, value] of Object.entries(fields)) headers.set(name, value)
      const response = await fetch(isRequest(input) ? input.clone() : input, { ...init, headers })
      const hasNonce = 'dpop' in fields && proofs.learnNonce(target, response)
      if (!hasNonce || isRepeat || readableOnce || !(await asksForNonce(response, target))) return response
      return ask(token, true)
    }
    const signal = init.signal ?? (isRequest(input) ? input.signal : undefined)
    const token = await unlessAborted(signal, session.token())
    const response = await ask(token)
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

  return { authorization, fetch: authorized }
}

function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'url' in input
}
