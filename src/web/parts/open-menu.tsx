import { Menu } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { signOut } from '../sign-out.ts'
import { stopActing } from './acting-bar.tsx'
import { MenuButton } from './menu-button.tsx'

/** The menu of the account with its button. It opens itself, because a press of the button loaded it. */
export function OpenMenu({ user, name }: { user: User; name: string }) {
  const { common, account, acting } = useText()
  const { impersonatorId, client } = useAuth()
  const [, navigate] = useLocation()
  const button = useRef<HTMLButtonElement>(null)
  const [opened, setOpened] = useState(false)
  useEffect(() => {
    // This button has replaced the pressed one. The menu returns the focus to what has it now.
    button.current?.focus()
    setOpened(true)
  }, [])
  return (
    // In the header rather than at the end of the page, where it would be outside of all landmarks. Without the library's
    // placeholder, an element that no menu may contain, the focus goes to the first item.
    <Menu
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={250}
      shadow="md"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <MenuButton ref={button} name={name} />
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
