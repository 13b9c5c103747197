import { useAuth } from '../../client/react.ts'
import { DataIcon, DeviceIcon, KeyIcon, UserIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Missing } from '../parts/card-page.tsx'
import { Frame, NavLink } from '../parts/frame.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { OwnData } from './own-data.tsx'
import { Profile } from './profile.tsx'
import { Security } from './security.tsx'
import { Sessions } from './sessions.tsx'

/** What people do with their own account. */
export function Account({ section = 'profile' }: { section: string | undefined }) {
  const { account } = useText()
  const { user } = useAuth()
  if (!user) return null
  const open = {
    profile: { name: account.profile, content: () => <Profile user={user} /> },
    security: { name: account.security, content: () => <Security user={user} /> },
    devices: { name: account.sessions, content: () => <Sessions /> },
    data: { name: account.data, content: () => <OwnData user={user} /> },
  }[section]
  if (!open) return <Missing />
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
          <NavLink href="/account/data">
            <DataIcon />
            {account.data}
          </NavLink>
        </nav>
        <div style={{ display: 'grid', gap: 24, minWidth: 0 }}>{open.content()}</div>
      </div>
    </Frame>
  )
}
