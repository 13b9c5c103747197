import { createServerAuth, expressAuth } from 'authograph-client/server'
import express from 'express'

const authUrl = process.env.AUTH_URL ?? 'http://localhost:4000/graphql'
const auth = createServerAuth({ url: authUrl })
const app = express()
app.use(expressAuth(auth))

app.get('/', (request, response) => {
  const { user } = response.locals.auth
  if (user === undefined) return void response.status(503).send('Signing in is unavailable. Try again.')
  const here = `${request.protocol}://${request.get('host')}${request.originalUrl}`
  const content = user
    ? `<p>Hello ${escaped(user.displayName ?? user.email)}</p><p>Your roles: ${escaped(user.roles.join(', '))}</p>`
    : `<a href="${escaped(auth.signInUrl(here))}">Sign in</a>`
  response.send(`<!doctype html><html lang="en"><title>Example</title><body>${content}</body></html>`)
})

// Passes the access token on to another server, here to Authograph itself.
app.get('/devices', async (_request, response) => {
  const { accessToken } = response.locals.auth
  if (!accessToken) return void response.status(401).json({ error: 'Sign in first.' })
  const answer = await fetch(authUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ query: '{ me { sessions { deviceName current } } }' }),
  })
  const { data } = await answer.json()
  response.json(data?.me?.sessions ?? [])
})

app.listen(process.env.PORT ?? 3000)

function escaped(text) {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
