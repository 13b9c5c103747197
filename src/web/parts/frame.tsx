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
  const may = (permission: string) => user?.permissions.includes(permission)
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
            {may('audit:read') && <NavLink href="/overview">{nav.overview}</NavLink>}
            {may('users:read') && <NavLink href="/users">{nav.users}</NavLink>}
            {(may('users:read') || may('roles:write')) && <NavLink href="/roles">{nav.roles}</NavLink>}
            {may('services:write') && <NavLink href="/services">{nav.services}</NavLink>}
            {may('audit:read') && <NavLink href="/audit">{nav.audit}</NavLink>}
            {may('audit:read') && <NavLink href="/mails">{nav.mails}</NavLink>}
            {may('webhooks:write') && <NavLink href="/webhooks">{nav.webhooks}</NavLink>}
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

/** A link that shows whether its page, or one below it, is open. */
export function NavLink({ href, exact, children }: { href: string; exact?: boolean; children: ReactNode }) {
  const [path] = useLocation()
  const open = path === href || (!exact && path.startsWith(`${href}/`))
  return (
    <Link href={href} className="nav-link" aria-current={open ? 'page' : undefined}>
      {children}
    </Link>
  )
}
