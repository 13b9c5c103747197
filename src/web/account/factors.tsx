import type { Factors as FactorsOfUser, User } from '../../client/index.ts'
import { settings } from '../page-settings.ts'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Answer } from '../parts/panel.tsx'
import type { Query } from '../use-query.ts'
import { AppPanel } from './authenticator-app.tsx'
import { PasskeysPanel } from './passkeys.tsx'
import { ProvidersPanel } from './providers.tsx'
import { TrustedDevices } from './trusted-devices.tsx'

/** The ways to sign in beyond the password. */
export function Factors({ user, query }: { user: User; query: Query<FactorsOfUser> }) {
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const shared = { withRecentSignIn, reload: query.reload }
  return (
    <>
      <Answer query={query}>
        {factors => (
          <>
            {settings.providers.length > 0 && (
              <ProvidersPanel withRecentSignIn={withRecentSignIn} onChange={query.reload} />
            )}
            {settings.passkeys && <PasskeysPanel factors={factors} user={user} {...shared} />}
            {(settings.totp || factors.hasTotp) && <AppPanel factors={factors} {...shared} />}
            {factors.trustedDevices.length > 0 && (
              <TrustedDevices devices={factors.trustedDevices} reload={query.reload} />
            )}
          </>
        )}
      </Answer>
      {dialog}
    </>
  )
}
