import '../account-styles.ts'
import { Menu, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { DownIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { signOut } from '../sign-out.ts'

import { ActingBar, stopActing } from './acting-bar.tsx'

import { BackNotice } from './back-notice.tsx'

import { Brand } from './card-page.tsx'
import { Preferences } from './preferences.tsx'

/** The header and navigation around every page after signing in. */
export function Frame({ children }: { children: ReactNode }) {
  const { nav, common } = useText()
  const { user, impersonatorId } = useAuth()
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

function AccountMenu() {
  const { common, account, acting } = useText()
  const { user, impersonatorId, client } = useAuth()
  const [, navigate] = useLocation()
  if (!user) return null
  const name = user.displayName ?? user.username ?? user.email
  return (
    // In the header rather than at the end of the page, where it would be outside of all landmarks. Without the library's
    // placeholder, an element that no menu may contain, the focus goes to the first item.
    <Menu
      position="bottom-end"
      width={250}
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <UnstyledButton
          aria-label={`${common.menu}: ${name}`}
          style={{ display: 'flex', alignItems: 'center', gap: 6, borderRadius: 20, padding: 2 }}
        >
          <span className="avatar" data-initial={[...name][0]} aria-hidden="true" />
          <DownIcon size={14} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {/* Not a paragraph, which a menu must not contain. */}
        <Menu.Label fz={13} style={{ overflowWrap: 'anywhere' }}>
          {common.signedInAs(user.email)}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item onClick={() => navigate('/account')}>{account.title}</Menu.Item>
        {impersonatorId ? (
          <Menu.Item onClick={() => void stopActing(client)}>{acting.stop}</Menu.Item>
        ) : (
          <Menu.Item onClick={() => void signOut(navigate)}>{common.signOut}</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
