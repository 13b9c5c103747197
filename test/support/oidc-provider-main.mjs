// The program of test/support/oidc-provider.ts: oidc-provider on a free port of localhost. It is a process of its own,
// because the library writes notices to the console.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { interactionPolicy, Provider } from 'oidc-provider'

const { clientId, clientSecret, redirectPaths } = JSON.parse(process.argv[2] ?? '{}')

/** What each account's claims differ in from those of an ordinary one. */
const claimsOf = new Map()

const page = (title, body) =>
  // Without an icon, browsers look for one in vain.
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>${title}</title><h1>${title}</h1>${body}`
const signInPage = page(
  'Corp',
  `<form method="post"><label>Account <input name="login" autocomplete="off" autofocus></label>
   <button name="action" value="continue">Continue</button> <button name="action" value="cancel">Cancel</button></form>`,
)

// Everyone has agreed to everything, and a client on localhost asks no one again.
const policy = interactionPolicy.base()
policy.get('consent').checks.remove('native_client_prompt')

async function grantEverything(ctx) {
  const { client, session, params } = ctx.oidc
  const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(params.scope)
  await grant.save()
  return grant
}

const server = createServer()
server.listen(0, 'localhost')
await once(server, 'listening')
const issuer = `http://localhost:${server.address().port}`

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      // Of a native client, a redirect to localhost can lead to any port (RFC 8252, section 7.3).
      application_type: 'native',
      redirect_uris: redirectPaths.map(path => `http://localhost${path}`),
      post_logout_redirect_uris: ['http://localhost/'],
      grant_types: ['authorization_code', 'refresh_token'],
      backchannel_logout_uri: 'http://localhost/nowhere',
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ['sub', 'sid'], email: ['email', 'email_verified'], profile: ['name'] },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = page(
          'Sign out',
          `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
        )
      },
    },
  },
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      email: sub.includes('@') ? sub : `${sub}@example.com`,
      email_verified: true,
      name: sub,
      ...claimsOf.get(sub),
    }),
  }),
  interactions: { policy, url: (_ctx, { uid }) => `/interaction/${uid}` },
  loadExistingGrant: grantEverything,
  issueRefreshToken: () => true,
  cookies: { keys: ['a key that only the tests know'] },
  // The library connects to no loopback address otherwise, where the tests receive what it sends.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
})

async function interact(request, response) {
  const { prompt } = await provider.interactionDetails(request, response)
  if (prompt.name === 'consent') {
    await provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
    return
  }
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html' }).end(signInPage)
    return
  }
  const form = new URLSearchParams(await text(request))
  const result =
    form.get('action') === 'cancel'
      ? { error: 'access_denied', error_description: 'The person refused.' }
      : { login: { accountId: form.get('login') } }
  await provider.interactionFinished(request, response, result)
}

const answer = provider.callback()
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response)
  interact(request, response).catch(error => response.writeHead(400).end(String(error)))
})

const commands = {
  claims: ({ sub, claims }) => claimsOf.set(sub, claims),
  backchannelLogoutUri: async ({ uri }) => {
    const client = await provider.Client.find(clientId)
    client.backchannelLogoutUri = uri
  },
}

process.on('message', async ({ id, command, ...given }) => {
  await commands[command](given)
  process.send({ id })
})
// The tests end, and so does it.
process.on('disconnect', () => process.exit())
process.send({ issuer })
