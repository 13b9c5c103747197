import { createAuthClient } from '../client/index.ts'
import { fetchWithEarlyAnswers } from './early-answers.ts'

/** The client that all pages share. The refresh token is in a cookie that scripts cannot read. */
export const client = createAuthClient({
  // Without an origin on the server, which renders pages but sends nothing.
  url: new URL('/graphql', globalThis.location?.origin ?? 'http://localhost').href,
  transport: 'cookie',
  fetch: fetchWithEarlyAnswers,
})
