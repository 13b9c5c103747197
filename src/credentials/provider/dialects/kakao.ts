import type { ProviderSettings } from '../../../provider-settings/settings.ts'
import { baseOf, type Dialect, record, standardStatement } from '../dialect.ts'
import { providerFailed } from '../failure.ts'

/**
 * Kakao’s ID token says who the person is, but not whether the address still belongs to them: only its API has both
 * `is_email_valid` and `is_email_verified`. So the address in an ID token from an app is not relied on.
 */
export const kakao: Dialect = {
  proof: 'claims',
  algorithm: 'RS256',
  scopeSeparator: ',',
  freshSignIn: { prompt: 'login' },
  chooseAccount: { prompt: 'select_account' },
  read: async (provider, claims, api) => {
    const said = { ...standardStatement(claims), displayName: claims.nickname }
    if (!api) return { ...said, emailVerified: undefined }
    const user = record(await api(`${apiOf(provider)}/v2/user/me`))
    if (String(user.id) !== claims.sub) throw providerFailed(provider.id, 'user info')
    const account = record(user.kakao_account)
    return {
      ...said,
      email: account.email ?? said.email,
      emailVerified: account.is_email_valid === true && account.is_email_verified === true,
    }
  },
  trust: ({ emailVerified }) => (emailVerified === true ? 'verified' : 'never'),
}

function apiOf(provider: ProviderSettings): string {
  const base = baseOf(provider)
  return base === 'https://kauth.kakao.com' ? 'https://kapi.kakao.com' : base
}
