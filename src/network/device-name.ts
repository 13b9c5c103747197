import Bowser from 'bowser'

/** A name that the server derived from known names; the type keeps what a client calls itself out of emails. */
export type DerivedName = string & { readonly derived: true }

// What identifies a client stands well before this; the rest is not worth parsing.
const PARSED_MAX_LENGTH = 512

// Clients that are not browsers, by what their HTTP library says of itself. First match wins.
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
 * What a person recognises a session by, such as "Firefox on Linux", "Safari on iPhone", "Android app"
 * or "curl"; undefined when the header tells nothing. For display only, since a client may send any
 * header. The answer is made of known names alone, never of the header's own text, so it is short and
 * free of control characters. At most 512 characters of the header are looked at.
 */
export function deviceNameOf(userAgent: string | null | undefined): DerivedName | undefined {
  const header = userAgent?.slice(0, PARSED_MAX_LENGTH).trim()
  if (!header) return undefined
  const client = CLIENTS.find(([pattern]) => pattern.test(header))
  return (client ? client[1] : browserName(header)) as DerivedName | undefined
}

function browserName(header: string): string | undefined {
  const { browser, os, platform } = Bowser.parse(header)
  // Bowser takes any `word/1.0` for a browser.
  const known = browser.name !== undefined && BROWSERS.has(browser.name) ? browser.name : undefined
  const name = known && (FAMILIAR[known] ?? known)
  const device = deviceOf(os.name, platform.model)
  return name && device ? `${name} on ${device}` : (name ?? device)
}

function deviceOf(system: string | undefined, model: string | undefined): string | undefined {
  if (model === 'iPhone' || model === 'iPad') return model
  return system !== undefined && SYSTEMS.has(system) ? system : undefined
}
