// Before the first paint and before the script of the pages.

/** Null if the browser keeps nothing for pages. */
const stored = key => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

// So that a page in the dark does not flash in the light.
{
  const chosen = stored('mantine-color-scheme-value')
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const scheme = chosen === 'light' || chosen === 'dark' ? chosen : dark ? 'dark' : 'light'
  document.documentElement.dataset.mantineColorScheme = scheme
}

// What the server rendered is for visitors without a session, in the language of their browser. Others see nothing of it.
{
  const root = document.documentElement
  const language = stored('authograph.language')
  const isOther = stored('authograph.known') === 'yes' || (language !== null && language !== root.lang)
  if (isOther) root.dataset.rendered = 'other'
}

// A form that the server rendered must not send itself, which would put its values into the address. What is sent before
// the script has arrived waits for it: awakening.ts.
globalThis.authographAsleep = {}
addEventListener(
  'submit',
  event => {
    if (!globalThis.authographAsleep) return
    event.preventDefault()
    globalThis.authographAsleep.sent = event.target
  },
  true,
)

// A visitor who was signed in at the last visit needs an access token first. Requesting it now, before the script runs,
// saves a round trip. early-answers.ts hands the answer to the client.
if (stored('authograph.known') === 'yes') {
  // The folder of this script, under which all pages are.
  const { pathname: base, href } = new URL('.', document.currentScript.src)
  const post = (body, more) => {
    const headers = { accept: 'application/json', 'content-type': 'application/json', ...more }
    return fetch(`${base}graphql`, { method: 'POST', headers, body, priority: 'high' })
  }
  // The build replaces these by the requests of the client.
  const body = '{{refresh}}'
  const list = '{{people}}'
  const at = Date.now()
  // A session that is bound to a key refreshes only with a proof, and the proof needs a nonce. Any answer to a request with
  // that header has one. The client's src/client/indexed-key.ts keeps this mark.
  const isBound = stored(`authograph.key authograph 2 ${href}graphql cookie`) !== null
  const response = isBound ? post('{"query":"{__typename}"}', { dpop: 'none' }) : post(body)
  // Until the script runs, no one listens.
  response.catch(() => {})
  if (isBound) globalThis.authographEarlyNonce = { response, at }
  else globalThis.authographEarly = { body, response, at }

  // The list of people follows as soon as there is a token, for those who may read it. early/people.tsx shows it.
  if (!isBound && location.pathname === `${base}users` && location.search === '') {
    const answer = response
      .then(refreshed => refreshed.clone().json())
      .then(async ({ data: { refreshToken } }) => {
        const { accessToken, user } = refreshToken
        if (!user.permissions.includes('users:read')) throw new Error('not permitted')
        const authorization = `Bearer ${accessToken}`
        return { authorization, user, response: await post(list, { authorization }) }
      })
    answer.catch(() => {})
    globalThis.authographEarlyList = { body: list, answer, at }
  }
}
