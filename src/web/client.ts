import { createAuthClient } from '../client/index.ts'
import { fetchWithEarlyRefresh } from './early-refresh.ts'

/** The client that all pages share. The refresh token is in a cookie that scripts cannot read. */
export const client = createAuthClient({
  url: new URL('/graphql', location.origin).href,
  transport: 'cookie',
  fetch: fetchWithEarlyRefresh,
})
