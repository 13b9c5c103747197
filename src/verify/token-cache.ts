import type { Identity } from './verifier.ts'

type Entry = { identity: Identity; validUntilSeconds: number }

/** Keeps the identities of up to `max` verified tokens, each until its token expires. The oldest makes room. */
export class TokenCache {
  readonly #entries = new Map<string, Entry>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(token: string, nowSeconds: number): Identity | undefined {
    const entry = this.#entries.get(token)
    if (!entry) return undefined
    if (nowSeconds < entry.validUntilSeconds) return entry.identity
    this.#entries.delete(token)
    return undefined
  }

  set(token: string, entry: Entry): void {
    if (this.#entries.size >= this.#max) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(token, entry)
  }

  clear(): void {
    this.#entries.clear()
  }
}
