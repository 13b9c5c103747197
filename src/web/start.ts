// Before the first paint and before the script of the pages: one file without modules, so that nothing else has to load.
import { isBound } from '../client/access-token.ts'
import { inIndex } from '../client/key-index.ts'
import { proofOf } from '../client/proof.ts'
import { type KeyPair, signerOf } from '../client/session-key.ts'
import type { User } from '../client/types.ts'

/** The bodies of the client's own requests, which the build puts here, so that they cannot differ. */
declare const EARLY_BODIES: { refresh: string; people: string }

/** Null if the browser keeps nothing for pages. */
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

const page = document.documentElement

// So that a page in the dark does not flash in the light.
{
  const chosen = stored('mantine-color-scheme-value')
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const scheme = chosen === 'light' || chosen === 'dark' ? chosen : dark ? 'dark' : 'light'
  page.dataset.mantineColorScheme = scheme
}

// What the server rendered is for visitors without a session, in the language of their browser. Others see nothing of it.
{
  const language = stored('authograph.language')
  const isOther = stored('authograph.known') === 'yes' || (language !== null && language !== page.lang)
  if (isOther) page.dataset.rendered = 'other'
}

// A form that the server rendered must not send itself, which would put its values into the address. What is sent before
// the script has arrived waits for it: awakening.ts.
globalThis.authographAsleep = {}
addEventListener(
  'submit',
  event => {
    if (!globalThis.authographAsleep) return
    event.preventDefault()
    globalThis.authographAsleep.sent = event.target as HTMLFormElement
  },
  true,
)

// A visitor who was signed in at the last visit needs an access token first. Requesting it now, before the script runs,
// saves a round trip. early-answers.ts hands the answer to the client.
if (stored('authograph.known') === 'yes') begin()

function begin(): void {
  const { src } = document.currentScript as HTMLScriptElement
  // The folder of this script, under which all pages are.
  const { pathname: base, href } = new URL('.', src)
  const url = `${href}graphql`
  const at = Date.now()
  const post = (body: string, more: Record<string, string> = {}) => {
    const headers = { accept: 'application/json', 'content-type': 'application/json', ...more }
    return fetch(`${base}graphql`, { method: 'POST', headers, body, priority: 'high' })
  }

  // The client's src/client/indexed-key.ts keeps the key of a session under this name, and the mark that there is one.
  const name = `authograph 2 ${url} cookie`
  const hasKey = stored(`authograph.key ${name}`) !== null
  const { refresh: body, people } = EARLY_BODIES
  const refresh = hasKey ? withProof() : post(body)
  // Until the script runs, no one listens.
  refresh.catch(() => {})
  globalThis.authographEarly = { body, hasProof: hasKey, response: refresh, at }

  /** A session that is bound to a key refreshes only with a proof, and the proof needs a nonce. */
  async function withProof(): Promise<Response> {
    // Any answer to a request with that header has a nonce.
    const response = post('{"query":"{__typename}"}', { dpop: 'none' })
    globalThis.authographEarlyNonce = { response, at }
    const keys = inIndex<KeyPair | undefined>('readonly', store => store.get(name))
    const [asked, pair] = await Promise.all([response, keys])
    const nonce = asked.headers.get('dpop-nonce')
    // An unread answer would keep its connection from the files of the page.
    asked.text().catch(() => {})
    // A refresh without a proof would look like that of a thief.
    if (!nonce || !pair) throw new Error('no proof')
    return post(body, { dpop: await proofOf(signerOf(pair), { url, method: 'POST', nonce }) })
  }

  // The list of people follows as soon as there is a token, for those who may read it. early/people.tsx shows it.
  if (location.pathname !== `${base}users` || location.search !== '') return
  const answer = refresh
    .then(refreshed => refreshed.clone().json())
    .then(async ({ data }: { data: { refreshToken: { accessToken: string; user: User } } }) => {
      const { accessToken, user } = data.refreshToken
      // A token that is bound as well needs a proof with each request, which the client makes.
      if (!user.permissions.includes('users:read') || isBound(accessToken)) throw new Error('not now')
      const authorization = `Bearer ${accessToken}`
      return { authorization, user, response: await post(people, { authorization }) }
    })
  answer.catch(() => {})
  globalThis.authographEarlyList = { body: people, answer, at }
}
