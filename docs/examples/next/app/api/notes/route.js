import { AuthError, authorize, createVerifier } from 'authograph-verify'

const verifier = createVerifier({
  issuer: process.env.AUTH_ISSUER ?? 'http://localhost:4000',
  audience: 'authograph',
  jwksUrl: process.env.AUTH_JWKS_URL,
})

/** For apps and other servers, which send an access token. */
export async function GET(request) {
  try {
    const { userId } = await authorize(verifier, request)
    return Response.json([`Note of ${userId}`])
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return Response.json(error.body, { status: error.status, headers: error.headers })
  }
}
