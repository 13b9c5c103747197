import { LRUCache } from 'lru-cache'

/** How long a block is believed without asking the database, where another replica may have lifted it. */
const TRUST_SECONDS = 1
/** About 2 MB at most. A block that does not fit costs a query. */
const MAX_BLOCKS = 10_000

type Block = { until: Date; askedAt: Date; number: number }

/**
 * The blocks that this process has met, so that a flood from a blocked network or on a blocked account costs no
 * query. The database decides: each block is looked up again once a second, by one of the attempts on it, so that a
 * block that another replica lifts ends here within a second.
 */
export class Blocks {
  readonly #blocks = new LRUCache<string, Block>({ max: MAX_BLOCKS })
  /** The number of the block that was added last. */
  latest = 0

  /**
   * The first of `keys` that is blocked, by its place from 0. Undefined when none is, and when the database is to
   * be asked again. Blocks up to the number `after` do not count.
   */
  find(keys: string[], now: Date, after = 0): { place: number; until: Date } | undefined {
    const untrusted: Block[] = []
    for (const [place, key] of keys.entries()) {
      const block = this.#blocks.get(key)
      if (!block || block.number <= after || block.until <= now) continue
      if (isTrusted(block, now)) return { place, until: block.until }
      untrusted.push(block)
    }
    // This attempt asks. Those beside it go by what is known until the answer comes.
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

/** Not when the clock has been set back either. */
function isTrusted({ askedAt }: Block, now: Date): boolean {
  const ageMs = now.getTime() - askedAt.getTime()
  return ageMs >= 0 && ageMs < TRUST_SECONDS * 1000
}
