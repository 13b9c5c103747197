import { randomBytes } from 'node:crypto'
import { AuthError } from '../errors.ts'
import { type Argon2, readArgon2, writeArgon2 } from './argon2-string.ts'
import { HashThreads, type HashThreadsOptions } from './hash-threads.ts'
import { matchesArgon2, matchesHash, readHash, STORED_MAX_SECONDS } from './known-hash.ts'
import { Turns, type TurnsConfig } from './turns.ts'

/** A concurrency above the number of cores only slows down everything else. */
export type HashingConfig = Omit<TurnsConfig, 'concurrency'> & {
  concurrency: number
  memoryKib: number
  timeCost: number
  parallelism: number
}

const RETRY_AFTER_SECONDS = 2

const SALT_BYTES = 16
const KEY_BYTES = 32

/**
 * Hashes and verifies passwords with argon2id (RFC 9106), and verifies the hashes of other systems (see
 * known-hash.ts). The number of concurrent hashes is bounded.
 */
export class PasswordHasher {
  readonly #parameters: Omit<Argon2, 'salt' | 'key'>
  readonly #threads: HashThreads
  readonly #turns: Turns
  readonly #decoy: string

  /** `onFault` is called when the fast way to hash does not work, although passwords are still hashed. */
  constructor(config: HashingConfig, onFault?: HashThreadsOptions['onFault']) {
    const { memoryKib, timeCost, parallelism, concurrency, queueMax, waitMs } = config
    this.#parameters = { type: 'id', version: 19, memoryKib, passes: timeCost, lanes: parallelism }
    const threads = new HashThreads({ concurrency, onFault })
    this.#threads = threads
    this.#turns = new Turns({ queueMax, waitMs, concurrency: () => threads.concurrency }, busy)
    // No password matches it.
    this.#decoy = writeArgon2({
      ...this.#parameters,
      salt: randomBytes(SALT_BYTES),
      key: randomBytes(KEY_BYTES),
    })
  }

  /** The number of running and waiting hashes, for the metrics. */
  get load(): { active: number; waiting: number } {
    return this.#turns.load
  }

  /**
   * Hashes a password and returns the PHC string.
   * @throws AuthError SERVICE_UNAVAILABLE when the queue is full or the wait is too long
   */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const key = await this.#turns.run(() =>
      this.#threads.derive({
        algorithm: 'argon2',
        ...this.#parameters,
        password,
        salt: new Uint8Array(salt),
        keyLength: KEY_BYTES,
      }),
    )
    return writeArgon2({ ...this.#parameters, salt, key: Buffer.from(key) })
  }

  /**
   * Whether the password matches `hash`. `typed` is the password before normalization; other systems hashed that, so it
   * is tried too. Without a hash, such as for an unknown account, a decoy is verified, so that response times do not
   * reveal which accounts exist. The hash of another system takes its own time.
   * @throws AuthError SERVICE_UNAVAILABLE when the queue is full or the wait is too long
   */
  async verify(hash: string | null | undefined, password: string, typed = password): Promise<boolean> {
    const matches = await this.#turns.run(() => this.#matchesEither(hash ?? this.#decoy, password, typed))
    return matches && hash != null
  }

  /** Whether `hash` differs from what `hash()` creates today: it is from another system or has other parameters. */
  isOutdated(hash: string): boolean {
    const read = readArgon2(hash)
    const current = Object.entries(this.#parameters) as [keyof Argon2, unknown][]
    return !read || current.some(([name, value]) => read[name] !== value)
  }

  /** Ends the threads that hash. What they are hashing fails. */
  close(): Promise<void> {
    return this.#threads.close()
  }

  async #matchesEither(hash: string, password: string, typed: string): Promise<boolean> {
    const derive = this.#threads.derive.bind(this.#threads)
    if (isArgon2id(hash)) {
      // The limits of `readHash` do not apply, because the settings may require more. Other systems use argon2id too,
      // and a hash does not say which system created it.
      const read = readArgon2(hash)
      const matches = (text: string) => (read ? matchesArgon2(read, text, derive) : matchesRare(hash, text))
      return (await matches(password)) || (typed !== password && (await matches(typed)))
    }
    const read = readHash(hash, STORED_MAX_SECONDS)
    if ('problem' in read) return false
    return (
      (await matchesHash(read.hash, typed, derive)) ||
      (typed !== password && (await matchesHash(read.hash, password, derive)))
    )
  }
}

function isArgon2id(hash: string): boolean {
  return hash.startsWith('$argon2id$')
}

/** A hash with further parameters, such as `data`, which can only have come into the database by hand. */
async function matchesRare(hash: string, password: string): Promise<boolean> {
  const { default: argon2 } = await import('argon2')
  return argon2.verify(hash, password)
}

function busy(): AuthError {
  return new AuthError('SERVICE_UNAVAILABLE', {
    extensions: { retryAfter: RETRY_AFTER_SECONDS },
    cause: 'too many passwords are waiting to be hashed',
  })
}
