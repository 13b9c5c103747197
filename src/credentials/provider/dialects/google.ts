import { type Dialect, domainOf, standardStatement } from '../dialect.ts'

const GOOGLE_MAIL = ['gmail.com', 'googlemail.com']

/**
 * Google runs the mailbox of Gmail addresses and of addresses of a Workspace, which have `hd`. For other addresses, it
 * only verified at some time that the person could read email there.
 */
export const google: Dialect = {
  proof: 'claims',
  algorithm: 'RS256',
  // Google has no `prompt=login`.
  freshSignIn: { prompt: 'select_account' },
  offlineAccess: { access_type: 'offline' },
  chooseAccount: { prompt: 'select_account' },
  read: (_provider, claims) => standardStatement(claims),
  trust: ({ email, emailVerified }, claims) => {
    if (emailVerified !== true) return 'never'
    const workspace = typeof claims.hd === 'string' && claims.hd !== ''
    return workspace || GOOGLE_MAIL.includes(domainOf(email)) ? 'authoritative' : 'verified'
  },
}
