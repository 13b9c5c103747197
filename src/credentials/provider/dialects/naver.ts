import type { ProviderSettings } from '../../../provider-settings/settings.ts'
import { baseOf, type Dialect, record } from '../dialect.ts'

/**
 * Naver speaks OAuth 2, and its API says who the person is. People can enter any address in their Naver profile. The
 * token request repeats the state.
 */
export const naver: Dialect = {
  proof: 'api',
  metadata: provider => ({
    issuer: baseOf(provider),
    authorization_endpoint: `${baseOf(provider)}/oauth2.0/authorize`,
    token_endpoint: `${baseOf(provider)}/oauth2.0/token`,
  }),
  freshSignIn: { auth_type: 'reauthenticate' },
  loginHint: null,
  tokenParameters: state => ({ state }),
  read: async (provider, _claims, api) => {
    const answer = record(await api?.(`${apiOf(provider)}/v1/nid/me`))
    const user = answer.resultcode === '00' ? record(answer.response) : {}
    return {
      subject: user.id,
      email: user.email,
      emailVerified: undefined,
      displayName: user.name ?? user.nickname,
    }
  },
  trust: () => 'never',
}

function apiOf(provider: ProviderSettings): string {
  const base = baseOf(provider)
  return base === 'https://nid.naver.com' ? 'https://openapi.naver.com' : base
}
