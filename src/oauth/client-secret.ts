import { timingSafeEqual } from 'node:crypto'
import { hashOf, newSecret } from '../one-time-tokens/token.ts'

/** What scanners of leaked secrets recognize. */
const PREFIX = 'ags_'
const NO_HASH = Buffer.alloc(32)

/** A new secret of 256 random bits, and the hash to store: it cannot be guessed, so it needs no salt or stretching. */
export function newClientSecret(): { secret: string; hash: Uint8Array<ArrayBuffer> } {
  const secret = PREFIX + newSecret()
  return { secret, hash: hashOf(secret) }
}

/** The hashes of a service account's secrets. */
export type StoredSecrets = {
  secretHash: Uint8Array | null
  previousSecretHash: Uint8Array | null
  previousUntil: Date | null
}

/**
 * Whether the secret is the account's, or the one before while that is still accepted. Takes the same time for an account
 * that does not exist.
 */
export function isSecretOf(account: StoredSecrets | undefined, secret: string, now: Date): boolean {
  const hash = hashOf(secret)
  const current = timingSafeEqual(hash, account?.secretHash ?? NO_HASH)
  const previous = timingSafeEqual(hash, account?.previousSecretHash ?? NO_HASH)
  const { previousUntil } = account ?? {}
  return current || (previous && previousUntil != null && previousUntil > now)
}
