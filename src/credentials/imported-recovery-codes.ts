import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { App } from '../app.ts'

/**
 * A recovery code of another system: the code, or the SHA-512 that the other system stored of it. It does not name its
 * slot, so it is stored as an HMAC under a server key: checking one against all of an account's codes costs no more than
 * one hash, and a copy of the database does not allow guessing.
 */
export type ForeignCode = { code: string } | { sha512: Buffer }

const OF_CODE = '$hmac-sha256$'
const OF_SHA512 = '$hmac-sha256-sha512$'

/** What the database stores of a recovery code of another system. */
export function foreignCodeHash(app: Pick<App, 'keys'>, accountId: string, foreign: ForeignCode): string {
  return 'code' in foreign
    ? OF_CODE + hmacOf(app, accountId, withoutSeparators(foreign.code))
    : OF_SHA512 + hmacOf(app, accountId, foreign.sha512)
}

/** Whether a stored hash is that of a recovery code of another system. */
export function isForeignHash(hash: string): boolean {
  return hash.startsWith('$hmac-')
}

/** Which of the stored hashes belongs to the code that a person typed, if any. */
export function findForeignHash(
  app: Pick<App, 'keys'>,
  accountId: string,
  hashes: readonly string[],
  typed: string,
): string | undefined {
  const plain = withoutSeparators(typed)
  // Other systems hash a code with or without the separators that they show, and some accept lowercase letters.
  const spellings = [...new Set([typed.trim(), plain, plain.toUpperCase()])]
  const candidates = [
    OF_CODE + hmacOf(app, accountId, plain),
    ...spellings.map(code => {
      const sha512 = createHash('sha512').update(code).digest()
      return OF_SHA512 + hmacOf(app, accountId, sha512)
    }),
  ].map(hash => Buffer.from(hash))
  return hashes.find(hash => {
    const stored = Buffer.from(hash)
    return candidates.some(one => one.length === stored.length && timingSafeEqual(one, stored))
  })
}

function hmacOf({ keys }: Pick<App, 'keys'>, accountId: string, code: string | Buffer): string {
  return createHmac('sha256', keys.factor)
    .update(`recovery code ${accountId} `)
    .update(code)
    .digest('base64url')
}

function withoutSeparators(code: string): string {
  return code.replace(/[\s-]/g, '')
}
