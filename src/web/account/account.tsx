import type { User } from '../../client/index.ts'
import { CodeIcon, DataIcon, DeviceIcon, KeyIcon, UserIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Missing } from '../parts/card-page.tsx'
import { Frame, NavLink } from '../parts/frame.tsx'
import { OwnersPanels, useIsActing } from '../parts/owners-only.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { PasskeyOffer } from '../parts/passkey-offer.tsx'
import { ApiKeys } from './api-keys.tsx'
import { OwnData } from './own-data.tsx'
import { Profile } from './profile.tsx'
import { Security } from './security.tsx'
import { Sessions } from './sessions.tsx'

export type AccountProps = { user: User; section: string | undefined }

/** The pages of a user's own account. */
export function Account({ user, section = 'profile' }: AccountProps) {
  const { account } = useText()
  const isActing = useIsActing()
  const sections = {
    profile: {
      name: account.profile,
      content: () => (
        <>
          {settings.passkeys && !isActing && <PasskeyOffer />}
          <Profile user={user} />
        </>
      ),
    },
    security: {
      name: account.security,
      content: () => <Security user={user} />,
    },
    devices: { name: account.sessions, content: () => <Sessions /> },
    'api-keys': {
      name: account.apiKeys,
      content: () => (
        <OwnersPanels title={account.apiKeys}>
          <ApiKeys user={user} />
        </OwnersPanels>
      ),
    },
    data: {
      name: account.data,
      content: () => (
        <OwnersPanels title={account.data}>
          <OwnData user={user} />
        </OwnersPanels>
      ),
    },
  }
  // Only own names: an object also has `constructor`.
  if (!Object.hasOwn(sections, section) || (section === 'api-keys' && !settings.apiKeys)) return <Missing />
  const open = sections[section as keyof typeof sections]
  return (
    <Frame>
      <PageTitle tab={`${open.name} · ${account.title}`}>{account.title}</PageTitle>
      <div className="sections">
        <nav className="sections-nav" aria-label={account.title}>
          <NavLink href="/account" exact>
            <UserIcon />
            {account.profile}
          </NavLink>
          <NavLink href="/account/security">
            <KeyIcon />
            {account.security}
          </NavLink>
          <NavLink href="/account/devices">
            <DeviceIcon />
            {account.sessions}
          </NavLink>
          {settings.apiKeys && (
            <NavLink href="/account/api-keys">
              <CodeIcon />
              {account.apiKeys}
            </NavLink>
          )}
          <NavLink href="/account/data">
            <DataIcon />
            {account.data}
          </NavLink>
        </nav>
        <div className="panels">{open.content()}</div>
      </div>
    </Frame>
  )
}
