import { isBound, sessionOf } from './access-token.ts'
import { absolute, originOf } from './http.ts'
import { proofOf } from './proof.ts'
import type { KeyStorage, SessionKey } from './session-key.ts'

type Sent = {
  readonly url: string
  readonly method: string
  readonly token?: string | undefined
  readonly key?: SessionKey | undefined
  readonly nowMs?: number | undefined
}

export type Proofs = ReturnType<typeof proofsWith>

/** The key of this client's session, and the proofs that the client holds it (RFC 9449). */
export function proofsWith(storage: KeyStorage | undefined, onError: (error: unknown) => void) {
  /** The last nonce of each server. */
  const nonces = new Map<string, string>()
  /** The key of a session whose access tokens are bound as well: every request needs it. */
  let known: { sessionId: string | undefined; key: SessionKey | undefined } | undefined

  /** The key for refreshing; undefined if there is none. Rejects if it cannot be read now. */
  const read = async () => (await storage?.get()) ?? undefined

  return {
    read,

    /** The key for a sign-in; undefined if none can be kept. */
    create: async (): Promise<SessionKey | undefined> => {
      try {
        return (await storage?.create()) ?? undefined
      } catch (error) {
        onError(error)
        return undefined
      }
    },

    remove: async (): Promise<void> => {
      try {
        await storage?.remove()
      } catch (error) {
        onError(error)
      }
    },

    /** The key that an access token is bound to; undefined if the token is a bearer token. */
    keyOf: async (token: string | undefined): Promise<SessionKey | undefined> => {
      if (token === undefined || !isBound(token)) return undefined
      const sessionId = sessionOf(token)
      if (known?.sessionId !== sessionId) known = { sessionId, key: await read() }
      return known?.key
    },

    /** Remembers the nonce of an answer. Returns whether it has one. */
    learnNonce: (url: string, { headers }: Pick<Response, 'headers'>): boolean => {
      const nonce = headers?.get('dpop-nonce')
      if (nonce) nonces.set(originOf(absolute(url)), nonce)
      return !!nonce
    },

    /** The header fields that authenticate a request. */
    headers: async (sent: Sent): Promise<Record<string, string>> => {
      const { token, key } = sent
      const bound = key && token !== undefined && isBound(token)
      const headers = token === undefined ? {} : { authorization: `${bound ? 'DPoP' : 'Bearer'} ${token}` }
      if (!key) return headers
      const url = absolute(sent.url)
      const ath = bound ? await (key.sha256 ?? sha256)(token) : undefined
      return { ...headers, dpop: await proofOf(key, { ...sent, url, nonce: nonces.get(originOf(url)), ath }) }
    },
  }
}

/** Loaded on demand, because only DPOP=full needs it. */
async function sha256(text: string): Promise<string> {
  return (await import('./key-work.ts')).sha256(text)
}
