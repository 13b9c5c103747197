import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { AuthError } from '../errors.ts'
import { matchesHash, readHash, STORED_MAX_SECONDS } from './known-hash.ts'
import { Turns, type TurnsConfig } from './turns.ts'

/** More hashes at once than there are cores only starve everything else. */
export type HashingConfig = TurnsConfig & {
  memoryKib: number
  timeCost: number
  parallelism: number
}

const RETRY_AFTER_SECONDS = 2

/**
 * Hashes passwords with argon2id (RFC 9106) and verifies those, and what other systems left (see known-hash.ts),
 * a bounded number at a time.
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

  /** How many hashes run and how many wait, for the metrics. */
  get load(): { active: number; waiting: number } {
    return this.#turns.load
  }

  /**
   * The PHC string of a password.
   * @throws AuthError SERVICE_UNAVAILABLE when too many are waiting, or when the turn does not come in time
   */
  hash(password: string): Promise<string> {
    return this.#turns.run(() => argon2.hash(password, this.#options))
  }

  /**
   * Whether the password is the one behind `hash`. Other systems hashed what was typed, which is therefore tried
   * too. Without a hash (an unknown account) the same work is done on a decoy, so
   * that time does not tell accounts from strangers; a hash of another system takes its own time.
   * @throws AuthError SERVICE_UNAVAILABLE when too many are waiting, or when the turn does not come in time
   */
  async verify(hash: string | null | undefined, password: string, typed = password): Promise<boolean> {
    const matches = await this.#turns.run(() => matchesEither(hash ?? this.#decoy, password, typed))
    return matches && hash != null
  }

  /** Whether `hash` is not what `hash()` would make today: made elsewhere, or with other parameters. */
  isOutdated(hash: string): boolean {
    return !isOwn(hash) || argon2.needsRehash(hash, this.#options)
  }
}

function isOwn(hash: string): boolean {
  return hash.startsWith('$argon2id$')
}

/** Own hashes are not held to the bounds of `readHash`: the settings may ask for more. */
async function matchesEither(hash: string, password: string, typed: string): Promise<boolean> {
  if (isOwn(hash)) {
    // argon2id is what others write too, and nothing in it says who did.
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
    cause: 'too many passwords wait to be hashed',
  })
}

/** A hash with today's parameters that no password has. */
function decoyHash({ memoryKib, timeCost, parallelism }: HashingConfig): string {
  const base64 = (byteCount: number) => randomBytes(byteCount).toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memoryKib},t=${timeCost},p=${parallelism}$${base64(16)}$${base64(32)}`
}
