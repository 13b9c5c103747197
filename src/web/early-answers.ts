import type { User } from '../client/types.ts'

type EarlyRefresh = {
  body: string
  /** Whether it proves the key of the session. If so, it rejects where there is no key, and has sent nothing. */
  hasProof: boolean
  response: Promise<Response>
  at: number
}
type EarlyList = {
  body: string
  /** With the user who asked, and the header of the token. */
  answer: Promise<{ authorization: string; user: User; response: Response }>
  at: number
}

type EarlyNonce = { response: Promise<Response>; at: number }

declare global {
  /** The refresh that start.ts began; undefined if there was none, or once it is used. */
  var authographEarly: EarlyRefresh | undefined
  /** The list that it asked for with the token of that refresh; undefined likewise. */
  var authographEarlyList: EarlyList | undefined
  /** An answer with a nonce, for the proof of a session that is bound to a key; undefined likewise. */
  var authographEarlyNonce: EarlyNonce | undefined
}

/** What waited longer than this for its script is asked for anew: an access token might be about to expire. */
const MAX_AGE_MS = 30_000

/**
 * `fetch` for the client, which receives the answers to requests that began with the page. The server treats the early
 * refresh like that of another tab. What failed is repeated by the client as usual.
 */
export const fetchWithEarlyAnswers: typeof fetch = (input, init) => {
  const { authographEarly: refresh, authographEarlyList: list } = globalThis
  const hasProof = new Headers(init?.headers).has('dpop')
  if (refresh && init?.body === refresh.body) {
    globalThis.authographEarly = undefined
    if (isRecent(refresh) && refresh.hasProof === hasProof)
      return hasProof ? refresh.response.catch(() => withNonce(input, init)) : refresh.response
  }
  if (list && init?.body === list.body) {
    globalThis.authographEarlyList = undefined
    if (isRecent(list)) return listOf(list, input, init)
  }
  return hasProof ? withNonce(input, init) : fetch(input, init)
}

/** The first proof of the client has no nonce. If the page has one already, this answers as the server would. */
async function withNonce(...request: Parameters<typeof fetch>): Promise<Response> {
  const early = globalThis.authographEarlyNonce
  globalThis.authographEarlyNonce = undefined
  const answer = early && isRecent(early) ? await early.response.catch(() => undefined) : undefined
  const nonce = answer?.headers.get('dpop-nonce')
  if (!nonce) return fetch(...request)
  const extensions = { code: 'REFRESH_TOKEN_INVALID', reason: 'DPOP_NONCE' }
  return Response.json({ errors: [{ message: '', extensions }] }, { headers: { 'dpop-nonce': nonce } })
}

function isRecent({ at }: { at: number }): boolean {
  return Date.now() - at < MAX_AGE_MS
}

/** Only for the user who asked: in the meantime, another one may have signed in, in another tab. */
async function listOf({ answer }: EarlyList, ...request: Parameters<typeof fetch>): Promise<Response> {
  const early = await answer.catch(() => undefined)
  const authorization = new Headers(request[1]?.headers).get('authorization')
  return early?.authorization === authorization ? early.response : fetch(...request)
}
