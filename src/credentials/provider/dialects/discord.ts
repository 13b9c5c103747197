import { baseOf, type Dialect, record } from '../dialect.ts'

/** Discord's API says who the person is, and whether it has verified the address. */
export const discord: Dialect = {
  proof: 'api',
  metadata: provider => ({
    issuer: baseOf(provider),
    authorization_endpoint: `${baseOf(provider)}/oauth2/authorize`,
    token_endpoint: `${baseOf(provider)}/api/oauth2/token`,
    revocation_endpoint: `${baseOf(provider)}/api/oauth2/token/revoke`,
  }),
  freshSignIn: { prompt: 'consent' },
  chooseAccount: { prompt: 'consent' },
  loginHint: null,
  read: async (provider, _claims, api) => {
    const user = record(await api?.(`${baseOf(provider)}/api/users/@me`))
    return {
      subject: user.id,
      email: user.email,
      emailVerified: user.verified === true,
      displayName: user.global_name ?? user.username,
    }
  },
  trust: ({ emailVerified }) => (emailVerified === true ? 'verified' : 'never'),
}
