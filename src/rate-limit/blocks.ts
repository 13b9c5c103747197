import { LRUCache } from 'lru-cache'

/** How long a block applies without asking the database, because another replica may lift it. */
const TRUST_SECONDS = 1
/** At most about 2 MB. A block that does not fit costs one query per attempt. */
const MAX_BLOCKS = 10_000

type Block = { until: Date; askedAt: Date; number: number }

/**
 * A cache of the blocks that this process has seen, so that a flood from a blocked network or on a blocked account
 * costs no queries. Once a second, one of the attempts asks the database again, so a block that another replica lifts
 * ends here within a second.
 */
export class Blocks {
  readonly #blocks = new LRUCache<string, Block>({ max: MAX_BLOCKS })
  /** The number of the latest block. */
  latest = 0

  /**
   * Finds the first of `keys` that is blocked. `place` is its index. Undefined if none is blocked or the database must
   * be asked again. Ignores blocks up to the number `after`.
   */
  find(keys: string[], now: Date, after = 0): { place: number; until: Date } | undefined {
    const untrusted: Block[] = []
    for (const [place, key] of keys.entries()) {
      const block = this.#blocks.get(key)
      if (!block || block.number <= after || block.until <= now) continue
      if (isTrusted(block, now)) return { place, until: block.until }
      untrusted.push(block)
    }
    // This attempt asks the database. Concurrent attempts use the cache until the answer arrives.
    for (const block of untrusted) block.askedAt = now
    return undefined
  }

  add(key: string, until: Date, now: Date): void {
    this.latest += 1
    this.#blocks.set(key, { until, askedAt: now, number: this.latest })
  }

  remove(keys: string[]): void {
    for (const key of keys) this.#blocks.delete(key)
  }
}

/** A negative age means that the clock was set back. */
function isTrusted({ askedAt }: Block, now: Date): boolean {
  const ageMs = now.getTime() - askedAt.getTime()
  return ageMs >= 0 && ageMs < TRUST_SECONDS * 1000
}
