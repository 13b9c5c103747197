import { createAuthClient } from '../client/index.ts'

/** The one client of the pages. The refresh token is in a cookie that no script can read. */
export const client = createAuthClient({
  url: new URL('/graphql', location.origin).href,
  transport: 'cookie',
})
