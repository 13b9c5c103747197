import { createVerifier } from 'authograph-verify'
import { guard, identityOf, stepUp } from 'authograph-verify/express'
import express from 'express'

const verifier = createVerifier({
  issuer: process.env.AUTH_ISSUER ?? 'http://localhost:4000',
  audience: 'authograph',
  jwksUrl: process.env.AUTH_JWKS_URL,
  cachedTokens: 10_000,
})
const app = express()

app.get('/notes', guard(verifier), (request, response) => {
  response.json([`Note of ${identityOf(request).userId}`])
})

app.get('/notes/all', guard(verifier, 'notes:read'), (_request, response) => {
  response.json(['Note of everyone'])
})

// Only after a sign-in with a second factor within the last 5 minutes.
app.delete(
  '/notes',
  guard(verifier),
  stepUp({ strength: 'MULTI', maxAgeSeconds: 300 }),
  (_request, response) => {
    response.sendStatus(204)
  },
)

app.listen(process.env.PORT ?? 3000)
