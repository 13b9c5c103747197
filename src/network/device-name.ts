import Bowser from 'bowser'
import { LRUCache } from 'lru-cache'

/** A device name made of known names only. The type keeps names that a client chose out of emails. */
export type DerivedName = string & { readonly derived: true }

// The parts that identify a client come earlier in the header.
const PARSED_MAX_LENGTH = 512

// Clients other than browsers, identified by their HTTP library. The first match wins.
const CLIENTS: [pattern: RegExp, name: string][] = [
  [/\bokhttp\/|^Dalvik\//i, 'Android app'],
  [/\bCFNetwork\//i, 'iOS app'],
  [/^Dart\//i, 'Dart app'],
  [/^curl\//i, 'curl'],
  [/^Wget\//i, 'Wget'],
  [/^python-requests\/|^Python-urllib\/|^python-httpx\/|\baiohttp\//i, 'Python'],
  [/^node(?:\.js)?(?:\/|$)|^undici|^node-fetch|^axios\//i, 'Node.js'],
  [/^Bun\//, 'Bun'],
  [/^Deno\//, 'Deno'],
  [/^Go-http-client\//, 'Go'],
  [/^(?:Apache-HttpClient|Java)\//i, 'Java'],
  [/^PostmanRuntime\//, 'Postman'],
  [/^insomnia\//i, 'Insomnia'],
]

const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP))
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP))
const FAMILIAR: Record<string, string> = {
  'Microsoft Edge': 'Edge',
  'Samsung Internet for Android': 'Samsung Internet',
}

/**
 * A name by which people recognize a session, such as "Firefox on Linux", "Safari on iPhone", "Android app" or "curl".
 * Undefined if the header contains no known name. For display only, because a client can send any header. The result
 * consists of known names and never of text from the header, so it is short and free of control characters. Reads at
 * most 512 characters of the header.
 */
export function deviceNameOf(userAgent: string | null | undefined): DerivedName | undefined {
  const header = userAgent?.slice(0, PARSED_MAX_LENGTH).trim()
  if (!header) return undefined
  const before = known.get(header)
  if (before) return before.name
  const client = CLIENTS.find(([pattern]) => pattern.test(header))
  const name = (client ? client[1] : browserName(header)) as DerivedName | undefined
  known.set(header, { name })
  return name
}

const MAX_KNOWN = 1000
/** The names of the headers that came last: parsing one takes longer than the rest of a sign-in's own work. */
const known = new LRUCache<string, { name: DerivedName | undefined }>({ max: MAX_KNOWN })

function browserName(header: string): string | undefined {
  const { browser, os, platform } = Bowser.parse(header)
  // Bowser reports any `word/1.0` as a browser.
  const known = browser.name !== undefined && BROWSERS.has(browser.name) ? browser.name : undefined
  const name = known && (FAMILIAR[known] ?? known)
  const device = deviceOf(os.name, platform.model)
  return name && device ? `${name} on ${device}` : (name ?? device)
}

function deviceOf(system: string | undefined, model: string | undefined): string | undefined {
  if (model === 'iPhone' || model === 'iPad') return model
  return system !== undefined && SYSTEMS.has(system) ? system : undefined
}
