import { type Dialect, domainOf, standardStatement } from '../dialect.ts'

const APPLE_MAIL = ['privaterelay.appleid.com', 'icloud.com', 'me.com', 'mac.com']

/**
 * Apple posts its response, because it asks for the name and the address. `email_verified` may be text. Apple runs the
 * mailboxes of iCloud and of its private relay. The name is not in the token: it comes once, beside the first code.
 */
export const apple: Dialect = {
  proof: 'claims',
  algorithm: 'RS256',
  responseMode: 'form_post',
  loginHint: null,
  read: (_provider, claims) => standardStatement(claims),
  trust: ({ email, emailVerified }) => {
    if (emailVerified !== true) return 'never'
    return APPLE_MAIL.includes(domainOf(email)) ? 'authoritative' : 'verified'
  },
}
