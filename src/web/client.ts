import { createAuthClient } from '../client/index.ts'
import { readActing, returnFrom } from './acting.ts'
import { fetchWithEarlyAnswers } from './early-answers.ts'
import { settings } from './page-settings.ts'

const acting = readActing()

/**
 * The client that all pages share. The refresh token is in a cookie that scripts cannot read. In a tab in which an
 * administrator acts as another user, it has the access token of that session instead, and other tabs stay as they are.
 */
export const client = createAuthClient({
  // Without an origin on the server, which renders pages but sends nothing.
  url: new URL(`${settings.basePath}/graphql`, globalThis.location?.origin ?? 'http://localhost').href,
  ...(acting
    ? { accessToken: acting.accessToken }
    : {
        transport: 'cookie' as const,
        cookiePrefix: settings.cookiePrefix,
        fetch: fetchWithEarlyAnswers,
        ...(settings.keyOrigin !== globalThis.location?.origin && { key: false as const }),
      }),
})

if (acting) {
  client.onChange((_user, { status }) => {
    if (status === 'signedOut') returnFrom(acting)
  })
}
