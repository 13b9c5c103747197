import '../account-styles.ts'
import { type ReactNode, useEffect } from 'react'
import { Link, useLocation } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { AccountMenu } from './account-menu.tsx'
import { ActingBar } from './acting-bar.tsx'
import { BackNotice } from './back-notice.tsx'
import { Brand } from './card-page.tsx'
import { loadWhenIdle } from './later.ts'
import { Preferences } from './preferences.tsx'

/** The header and navigation around every page after signing in. */
export function Frame({ children }: { children: ReactNode }) {
  const { nav, common } = useText()
  const { user, impersonatorId } = useAuth()
  useEffect(loadWhenIdle, [])
  return (
    <>
      <a href="#main" className="skip">
        {common.skip}
      </a>
      <header className="frame-header">
        <div>
          <Brand />
          <nav className="frame-nav" aria-label={common.navigation}>
            <NavLink href="/account">{nav.account}</NavLink>
            <NavLink href="/overview" needs={['audit:read']}>
              {nav.overview}
            </NavLink>
            <NavLink href="/users" needs={['users:read']}>
              {nav.users}
            </NavLink>
            <NavLink href="/roles" needs={['users:read', 'roles:write']}>
              {nav.roles}
            </NavLink>
            <NavLink href="/services" needs={['services:write']}>
              {nav.services}
            </NavLink>
            <NavLink href="/audit" needs={['audit:read']}>
              {nav.audit}
            </NavLink>
            <NavLink href="/mails" needs={['audit:read']}>
              {nav.mails}
            </NavLink>
            <NavLink href="/webhooks" needs={['webhooks:write']}>
              {nav.webhooks}
            </NavLink>
          </nav>
          <AccountMenu />
        </div>
        {user && impersonatorId && <ActingBar user={user} />}
      </header>
      <main id="main" className="frame-main" tabIndex={-1}>
        <BackNotice />
        {children}
      </main>
      <div style={{ padding: '0 16px 24px' }}>
        <Preferences />
      </div>
    </>
  )
}

type NavLinkProps = {
  href: string
  exact?: boolean
  /** Permissions, one of which is enough to see the link. Omit for every user. */
  needs?: string[]
  children: ReactNode
}

/** A link that shows whether its page, or one below it, is open. */
export function NavLink({ href, exact, needs, children }: NavLinkProps) {
  const [path] = useLocation()
  const { user } = useAuth()
  if (needs && !needs.some(permission => user?.permissions.includes(permission))) return null
  const open = path === href || (!exact && path.startsWith(`${href}/`))
  return (
    <Link
      href={href}
      className="nav-link"
      aria-current={open ? 'page' : undefined}
      data-needs={needs?.join(' ')}
    >
      {children}
    </Link>
  )
}
