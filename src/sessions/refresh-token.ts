import { createHmac, timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'
import { AuthError } from '../errors.ts'

/**
 * A refresh token is `<session id>.<generation>.<secret>`, opaque to clients.
 *
 * The secret is an HMAC of the other two and the session's salt, under a key that only the server has:
 * a copy of the database holds nothing that can be replayed, and a token that was lost on its way to the
 * client can be computed again.
 */
export type RefreshToken = { sessionId: string; generation: number; secret: string }

const FORMAT = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(0|[1-9]\d{0,8})\.([\w-]{43})$/

/** The parts of a token, or undefined where the text cannot be one. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, sessionId, generation, secret] = FORMAT.exec(text) ?? []
  if (!sessionId || !generation || !secret) return undefined
  return { sessionId, generation: Number(generation), secret }
}

type Salted = { id: string; salt: Uint8Array }

/** The session's token of that generation. */
export function refreshTokenOf(app: App, session: Salted, generation: number): string {
  return `${session.id}.${generation}.${secretOf(app, session, generation).toString('base64url')}`
}

/** Whether this server made the token for this session; takes the same time whatever the secret. */
export function isAuthentic(app: App, session: Salted, token: RefreshToken): boolean {
  const presented = Buffer.from(token.secret, 'base64url')
  return timingSafeEqual(presented, secretOf(app, session, token.generation))
}

/** @throws AuthError SERVICE_UNAVAILABLE while this replica cannot open the key in the database */
function secretOf(app: App, { id, salt }: Salted, generation: number): Buffer {
  const key = app.keys.refreshToken
  if (!key) {
    throw new AuthError('SERVICE_UNAVAILABLE', { cause: 'the key of the refresh tokens cannot be opened' })
  }
  return createHmac('sha256', key).update(`${id}.${generation}.`).update(salt).digest()
}
