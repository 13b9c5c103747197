import type { ProviderSettings } from '../../../provider-settings/settings.ts'
import { baseOf, type Dialect, record } from '../dialect.ts'

/**
 * GitHub, and GitHub Enterprise Server at an address of its own. It speaks OAuth 2 only, so its API says who the person
 * is. An account has several addresses; only the primary one counts, and only once GitHub has verified it.
 */
export const github: Dialect = {
  proof: 'api',
  metadata: provider => ({
    // As GitHub names itself in `iss` of its callbacks (RFC 9207).
    issuer: `${baseOf(provider)}/login/oauth`,
    authorization_endpoint: `${baseOf(provider)}/login/oauth/authorize`,
    token_endpoint: `${baseOf(provider)}/login/oauth/access_token`,
  }),
  // GitHub never asks for the password again.
  freshSignIn: { prompt: 'select_account' },
  chooseAccount: { prompt: 'select_account' },
  loginHint: 'login',
  read: async (provider, _claims, api) => {
    const base = apiOf(provider)
    const user = record(await api?.(`${base}/user`))
    const primary = await primaryAddress(`${base}/user/emails`, api)
    return {
      // The login can change hands. The number does not.
      subject: typeof user.id === 'number' ? String(user.id) : undefined,
      ...primary,
      displayName: user.name ?? user.login,
    }
  },
  trust: ({ emailVerified }) => (emailVerified === true ? 'verified' : 'never'),
}

function apiOf(provider: ProviderSettings): string {
  const base = baseOf(provider)
  return base === 'https://github.com' ? 'https://api.github.com' : `${base}/api/v3`
}

async function primaryAddress(url: string, api: ((url: string) => Promise<unknown>) | undefined) {
  const listed = await api?.(url)
  const primary = Array.isArray(listed) ? listed.map(record).find(entry => entry.primary === true) : undefined
  return { email: primary?.email, emailVerified: primary?.verified === true }
}
