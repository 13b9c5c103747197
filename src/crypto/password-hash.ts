import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import pLimit from 'p-limit'
import { AuthError } from '../errors.ts'
import { matchesHash, readHash } from './known-hash.ts'

export type HashingConfig = {
  memoryKib: number
  timeCost: number
  parallelism: number
  /** How many hashes are computed at once. More than there are cores only starves everything else. */
  concurrency: number
  /** How many may wait behind those. */
  queueMax: number
  /** Whoever has waited longer for the turn is told to come back. */
  waitMs: number
}

const RETRY_AFTER_SECONDS = 2

/**
 * Hashes passwords with argon2id (RFC 9106) and verifies those, and what other systems left (see known-hash.ts),
 * a bounded number at a time.
 */
export class PasswordHasher {
  readonly #options: { type: 2; memoryCost: number; timeCost: number; parallelism: number }
  readonly #limit: ReturnType<typeof pLimit>
  readonly #queueMax: number
  readonly #waitMs: number
  readonly #decoy: string

  constructor(config: HashingConfig) {
    this.#options = {
      type: argon2.argon2id,
      memoryCost: config.memoryKib,
      timeCost: config.timeCost,
      parallelism: config.parallelism,
    }
    this.#limit = pLimit(config.concurrency)
    this.#queueMax = config.queueMax
    this.#waitMs = config.waitMs
    this.#decoy = decoyHash(config)
  }

  /** How many hashes run and how many wait, for the metrics. */
  get load(): { active: number; waiting: number } {
    return { active: this.#limit.activeCount, waiting: this.#limit.pendingCount }
  }

  /**
   * The PHC string of a password.
   * @throws AuthError SERVICE_UNAVAILABLE when too many are waiting.
   */
  hash(password: string): Promise<string> {
    return this.#run(() => argon2.hash(password, this.#options))
  }

  /**
   * Whether the password is the one behind `hash`. Other systems hashed what was typed, which is therefore tried
   * too. Without a hash (an unknown account) the same work is done on a decoy, so
   * that time does not tell accounts from strangers; a hash of another system takes its own time.
   * @throws AuthError SERVICE_UNAVAILABLE when too many are waiting.
   */
  async verify(hash: string | null | undefined, password: string, typed = password): Promise<boolean> {
    const matches = await this.#run(() => matchesEither(hash ?? this.#decoy, password, typed))
    return matches && hash != null
  }

  /** Whether `hash` is not what `hash()` would make today: made elsewhere, or with other parameters. */
  isOutdated(hash: string): boolean {
    return !isOwn(hash) || argon2.needsRehash(hash, this.#options)
  }

  async #run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#limit.pendingCount >= this.#queueMax) throw busy()
    const start = performance.now()
    return this.#limit(() => {
      // Whoever came before has been served or sent away by now, so nobody hears of it much later.
      if (performance.now() - start > this.#waitMs) throw busy()
      return task()
    })
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
  const read = readHash(hash)
  if ('problem' in read) return false
  return (
    (await matchesHash(read.hash, typed)) || (typed !== password && (await matchesHash(read.hash, password)))
  )
}

function busy(): AuthError {
  return new AuthError('SERVICE_UNAVAILABLE', { extensions: { retryAfter: RETRY_AFTER_SECONDS } })
}

/** A hash with today's parameters that no password has. */
function decoyHash({ memoryKib, timeCost, parallelism }: HashingConfig): string {
  const base64 = (byteCount: number) => randomBytes(byteCount).toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memoryKib},t=${timeCost},p=${parallelism}$${base64(16)}$${base64(32)}`
}
