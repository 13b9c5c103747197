type EarlyRefresh = { body: string; response: Promise<Response>; at: number }

declare global {
  /** The refresh that public/start.js began; undefined if there was none, or once it is used. */
  var authographEarly: EarlyRefresh | undefined
}

/** An access token that waited longer than this for its script might be about to expire. */
const MAX_AGE_MS = 30_000

/**
 * `fetch` for the client. The client's first refresh receives the answer to the one that began with the page; the
 * server treats it like that of another tab. A refresh that failed is repeated by the client as usual.
 */
export const fetchWithEarlyRefresh: typeof fetch = (input, init) => {
  const early = globalThis.authographEarly
  if (!early || init?.body !== early.body) return fetch(input, init)
  globalThis.authographEarly = undefined
  return Date.now() - early.at < MAX_AGE_MS ? early.response : fetch(input, init)
}
