import { timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'
import { quickHmac } from '../crypto/quick-hmac.ts'
import { AuthError } from '../errors.ts'

/**
 * A refresh token is `<session id>.<generation>.<secret>`, opaque to clients.
 *
 * The secret is an HMAC of the other two parts and the session's salt, under a key that only the server has. So
 * a copy of the database contains no usable token, and the server can compute a token again if a response was lost.
 */
export type RefreshToken = { sessionId: string; generation: number; secret: string }

const FORMAT = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(0|[1-9]\d{0,8})\.([\w-]{43})$/

/** The parts of a token, or undefined if the text is not in the format of one. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const [, sessionId, generation, secret] = FORMAT.exec(text) ?? []
  if (!sessionId || !generation || !secret) return undefined
  return { sessionId, generation: Number(generation), secret }
}

type Salted = { id: string; salt: Uint8Array }

const SALT_BYTES = 16

/**
 * The salt of a new session. It is derived from the session's ID, so that its tokens can be checked without its row.
 * Sessions that version 0.8 and earlier started have a random one.
 * @throws AuthError SERVICE_UNAVAILABLE like `refreshTokenOf`
 */
export function saltOf(app: App, sessionId: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(quickHmac(keyOf(app), `salt.${sessionId}`).subarray(0, SALT_BYTES))
}

/**
 * The session's token of this generation.
 * @throws AuthError SERVICE_UNAVAILABLE while this replica cannot decrypt the key in the database
 */
export function refreshTokenOf(app: App, session: Salted, generation: number): string {
  return `${session.id}.${generation}.${secretOf(app, session, generation).toString('base64url')}`
}

/** Whether this server issued the token for this session. Takes the same time for every secret. */
export function isAuthentic(app: App, session: Salted, token: RefreshToken): boolean {
  const presented = Buffer.from(token.secret, 'base64url')
  return timingSafeEqual(presented, secretOf(app, session, token.generation))
}

function secretOf(app: App, { id, salt }: Salted, generation: number): Buffer {
  const { buffer, byteOffset, length } = salt
  const saltText = Buffer.from(buffer, byteOffset, length).toString('latin1')
  return quickHmac(keyOf(app), `${id}.${generation}.${saltText}`)
}

/** @throws AuthError SERVICE_UNAVAILABLE while this replica cannot decrypt the key in the database */
function keyOf(app: App): Buffer {
  const key = app.keys.refreshToken
  if (!key) {
    throw new AuthError('SERVICE_UNAVAILABLE', { cause: 'the key of the refresh tokens cannot be decrypted' })
  }
  return key
}
