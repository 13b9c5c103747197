/**
 * The maximum size of a request. Introspection and every screen of the account pages stay far below it. A larger request
 * is likely an attempt to overload the server.
 */
export const DEFAULT_LIMITS = {
  /** The parser stops here, which bounds the work of everything after it. */
  tokens: 1000,
  /** Levels of nested fields. */
  depth: 15,
  aliases: 30,
  directives: 30,
  /** Objects that the response could contain, with every list at its maximum length, plus the weights of `@Cost`. */
  cost: 5000,
  /** Mutations marked `sensitive`: they check a secret, create something or send email. */
  sensitiveMutations: 3,
  bodyBytes: 64 * 1024,
  /** Subscriptions that are open at the same time, on each replica. */
  streamsPerAccount: 20,
  streamsPerNetwork: 200,
} as const

export type RequestLimits = { readonly [Name in keyof typeof DEFAULT_LIMITS]: number }

/** Deeper documents than these tokens can form would overflow the stack of the parser. */
const TOKENS_MAX = 5000

/**
 * The default limits with those that the embedding program raises.
 * @throws Error that names an unknown limit, or a value that is no integer or lower than the default, which the built-in
 *   pages rely on
 */
export function requestLimits(raised: Partial<RequestLimits> = {}): RequestLimits {
  for (const [name, value] of Object.entries(raised)) {
    const least = DEFAULT_LIMITS[name as keyof RequestLimits]
    if (least === undefined) throw new Error(`requestLimits has no limit named ${name}.`)
    const most = name === 'tokens' ? TOKENS_MAX : Number.MAX_SAFE_INTEGER
    if (Number.isInteger(value) && value >= least && value <= most) continue
    const range = name === 'tokens' ? `from ${least} to ${most}` : `of at least ${least}`
    throw new Error(`requestLimits.${name} must be an integer ${range}.`)
  }
  return { ...DEFAULT_LIMITS, ...raised }
}
