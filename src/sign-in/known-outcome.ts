import { LRUCache } from 'lru-cache'
import type { App } from '../app.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { hashOf } from '../one-time-tokens/token.ts'

/** Each takes about 1 kB. */
const MAX_KNOWN = 1000

/** What a provider said in a sign-in whose code this process has handed out. */
export type KnownOutcome = {
  flowId: string
  codeChallenge: string
  profile: ProviderProfile
  expiresAt: Date
}

const known = new WeakMap<App, LRUCache<string, KnownOutcome>>()

/** Remembers the outcome of a code by its hash, so that a completion at this process need not read it first. */
export function rememberOutcome(app: App, codeHash: Uint8Array, outcome: KnownOutcome): void {
  const ofApp = known.get(app) ?? new LRUCache<string, KnownOutcome>({ max: MAX_KNOWN })
  known.set(app, ofApp)
  ofApp.set(keyOf(codeHash), outcome)
}

/** The outcome of a code of this process, once. Whether the code still counts, the database decides. */
export function takeOutcome(app: App, code: string): KnownOutcome | undefined {
  const ofApp = known.get(app)
  const key = keyOf(hashOf(code))
  const outcome = ofApp?.get(key)
  ofApp?.delete(key)
  return outcome && outcome.expiresAt > app.clock.now() ? outcome : undefined
}

function keyOf(codeHash: Uint8Array): string {
  return Buffer.from(codeHash).toString('latin1')
}
