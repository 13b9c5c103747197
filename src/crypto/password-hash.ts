import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { AuthError } from '../errors.ts'
import { matchesHash, readHash, STORED_MAX_SECONDS } from './known-hash.ts'
import { Turns, type TurnsConfig } from './turns.ts'

/** A concurrency above the number of cores only slows down everything else. */
export type HashingConfig = TurnsConfig & {
  memoryKib: number
  timeCost: number
  parallelism: number
}

const RETRY_AFTER_SECONDS = 2

/**
 * Hashes and verifies passwords with argon2id (RFC 9106), and verifies the hashes of other systems (see
 * known-hash.ts). The number of concurrent hashes is bounded.
 */
export class PasswordHasher {
  readonly #options: { type: 2; memoryCost: number; timeCost: number; parallelism: number }
  readonly #turns: Turns
  readonly #decoy: string

  constructor(config: HashingConfig) {
    this.#options = {
      type: argon2.argon2id,
      memoryCost: config.memoryKib,
      timeCost: config.timeCost,
      parallelism: config.parallelism,
    }
    this.#turns = new Turns(config, busy)
    this.#decoy = decoyHash(config)
  }

  /** The number of running and waiting hashes, for the metrics. */
  get load(): { active: number; waiting: number } {
    return this.#turns.load
  }

  /**
   * Hashes a password and returns the PHC string.
   * @throws AuthError SERVICE_UNAVAILABLE when the queue is full or the wait is too long
   */
  hash(password: string): Promise<string> {
    return this.#turns.run(() => argon2.hash(password, this.#options))
  }

  /**
   * Whether the password matches `hash`. `typed` is the password before normalization; other systems hashed that, so it
   * is tried too. Without a hash, such as for an unknown account, a decoy is verified, so that response times do not
   * reveal which accounts exist. The hash of another system takes its own time.
   * @throws AuthError SERVICE_UNAVAILABLE when the queue is full or the wait is too long
   */
  async verify(hash: string | null | undefined, password: string, typed = password): Promise<boolean> {
    const matches = await this.#turns.run(() => matchesEither(hash ?? this.#decoy, password, typed))
    return matches && hash != null
  }

  /** Whether `hash` differs from what `hash()` creates today: it is from another system or has other parameters. */
  isOutdated(hash: string): boolean {
    return !isArgon2id(hash) || argon2.needsRehash(hash, this.#options)
  }
}

function isArgon2id(hash: string): boolean {
  return hash.startsWith('$argon2id$')
}

/** The limits of `readHash` do not apply to argon2id hashes, because the settings may require more. */
async function matchesEither(hash: string, password: string, typed: string): Promise<boolean> {
  if (isArgon2id(hash)) {
    // Other systems use argon2id too, and a hash does not say which system created it.
    return (await argon2.verify(hash, password)) || (typed !== password && (await argon2.verify(hash, typed)))
  }
  const read = readHash(hash, STORED_MAX_SECONDS)
  if ('problem' in read) return false
  return (
    (await matchesHash(read.hash, typed)) || (typed !== password && (await matchesHash(read.hash, password)))
  )
}

function busy(): AuthError {
  return new AuthError('SERVICE_UNAVAILABLE', {
    extensions: { retryAfter: RETRY_AFTER_SECONDS },
    cause: 'too many passwords are waiting to be hashed',
  })
}

/** A hash with the current parameters that no password matches. */
function decoyHash({ memoryKib, timeCost, parallelism }: HashingConfig): string {
  const base64 = (byteCount: number) => randomBytes(byteCount).toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memoryKib},t=${timeCost},p=${parallelism}$${base64(16)}$${base64(32)}`
}
