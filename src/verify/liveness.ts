import { AuthError, unauthenticated, unavailable } from './errors.ts'
import type { Fetch } from './keys.ts'
import { setWithin } from './set-within.ts'
import type { Identity } from './verifier.ts'

export type LivenessOptions = {
  /** The ID of a service account with the permission `tokens:introspect` and your audience. */
  clientId: string
  clientSecret: string
  /** The address of the introspection endpoint. Default: `/oauth/introspect` at the issuer. */
  url?: string
  /** How long an answer counts. Default: 10. */
  cacheSeconds?: number
  /**
   * What happens to tokens while the server is out of reach: `refuse` answers SERVICE_UNAVAILABLE, `accept` goes by the
   * signature alone. Default: refuse.
   */
  onOutage?: 'refuse' | 'accept'
}

export type Liveness = (token: string, identity: Identity) => Promise<Identity>

type Answer = { active?: unknown; permissions?: unknown }
type Entry = { askedAtMs: number; answer: Promise<Answer | undefined> }

const MAX_TOKENS = 10_000
const TIMEOUT_MS = 3000
/** After a failure, requests do not wait for the next attempt. */
const RETRY_MS = 1000

/**
 * Asks the server whether tokens are live (RFC 7662): once for each token and `cacheSeconds`, whatever the number of
 * requests. The answer also has the permissions of the moment.
 */
export function createLiveness(
  { url, clientId, clientSecret, cacheSeconds = 10, onOutage = 'refuse' }: LivenessOptions & { url: string },
  fetch: Fetch,
  now: () => number,
): Liveness {
  const answers = new Map<string, Entry>()
  const authorization = `Basic ${btoa([clientId, clientSecret].map(encodeURIComponent).join(':'))}`
  let retryAtMs = Number.NEGATIVE_INFINITY
  let failure: unknown

  /** Undefined if the server is out of reach. */
  async function ask(token: string): Promise<Answer | undefined> {
    if (now() < retryAtMs) return undefined
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: new URLSearchParams({ token }).toString(),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (response.status === 200) return (await response.json()) as Answer
      failure = new Error(`${url} answered ${response.status}.`)
      // The credentials or the permission of the service account are wrong: no outage.
      if (response.status < 500 && response.status !== 429) throw unavailable(RETRY_MS / 1000, failure)
    } catch (error) {
      if (error instanceof AuthError) throw error
      failure = error
    }
    retryAtMs = now() + RETRY_MS
    return undefined
  }

  function known(token: string): Promise<Answer | undefined> {
    const entry = answers.get(token)
    // From the request on: what happened after it is not in the answer.
    if (entry && now() - entry.askedAtMs < cacheSeconds * 1000) return entry.answer
    const answer = ask(token)
    setWithin(MAX_TOKENS, answers, token, { askedAtMs: now(), answer })
    // Failures are not kept.
    answer.then(
      result => result ?? answers.delete(token),
      () => answers.delete(token),
    )
    return answer
  }

  return async (token, identity) => {
    const answer = await known(token)
    if (!answer) {
      if (onOutage === 'accept') return identity
      throw unavailable(RETRY_MS / 1000, failure)
    }
    if (answer.active !== true) throw unauthenticated('REVOKED')
    const { permissions } = answer
    if (!Array.isArray(permissions)) return identity
    const names = permissions.filter(name => typeof name === 'string')
    return Object.freeze({ ...identity, permissions: Object.freeze(names) })
  }
}
