import { lazy, Suspense, useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { MenuButton } from './menu-button.tsx'

// Loaded after the page, so that the page does not wait for it.
const OpenMenu = lazy(() => import('./open-menu.tsx').then(({ OpenMenu }) => ({ default: OpenMenu })))

/** The button with the menu of the account. Until the menu is loaded, it is a button that loads it. */
export function AccountMenu() {
  const { user } = useAuth()
  const [wanted, setWanted] = useState(false)
  if (!user) return null
  const name = user.displayName ?? user.username ?? user.email
  const button = (
    <MenuButton name={name} aria-haspopup="menu" aria-expanded={false} onClick={() => setWanted(true)} />
  )
  return wanted ? (
    <Suspense fallback={button}>
      <OpenMenu user={user} name={name} />
    </Suspense>
  ) : (
    button
  )
}
