'use client'

import {
  createElement,
  type FocusEvent,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { useAuth } from './react-auth.ts'
import { usePageUrl } from './react-page-url.ts'
import { english, type Texts } from './react-texts.ts'
import type { User } from './types.ts'

export type UserButtonProps = {
  /** The language. Default: `english`. */
  texts?: Texts | undefined
  /** Whether to link to the server's account page. Default: true. */
  links?: boolean | undefined
  className?: string | undefined
  /** Further links or buttons, above the ones to manage the account and to sign out. */
  children?: ReactNode
}

/**
 * A button with the user's name that opens a panel to manage the account and to sign out. Shows nothing to visitors. It
 * has no style of its own: see `SignIn`.
 */
export function UserButton({
  texts = english,
  links = true,
  className,
  children,
}: UserButtonProps): ReactNode {
  const { client, user } = useAuth()
  const account = usePageUrl('account')
  const [failed, setFailed] = useState(false)
  const signOut = () => {
    setFailed(false)
    client.logout().catch(() => setFailed(true))
  }
  if (user)
    return createElement(
      Disclosure,
      { name: user.displayName ?? user.username ?? user.email, user, texts, className },
      children,
      links && createElement('a', { href: account, className: 'authograph-item' }, texts.manageAccount),
      createElement(
        'button',
        { type: 'button', className: 'authograph-item', onClick: signOut },
        texts.signOut,
      ),
    )
  if (!failed) return null
  return createElement(
    'p',
    { className: 'authograph-problem', role: 'alert' },
    texts.signOutFailed,
    ' ',
    createElement(
      'button',
      { type: 'button', className: 'authograph-quiet', onClick: signOut },
      texts.tryAgain,
    ),
  )
}

type DisclosureProps = {
  name: string
  user: User
  texts: Texts
  className: string | undefined
  children?: ReactNode
}

/** A button that shows and hides its children: WAI-ARIA's disclosure pattern. */
function Disclosure({ name, user, texts, className, children }: DisclosureProps): ReactNode {
  const [isOpen, setOpen] = useState(false)
  const [side, setSide] = useState<'left' | 'right'>('left')
  const place = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const panelId = useId()
  const toggle = () => {
    // The panel is wider than the button: it opens toward the middle of the window.
    const { left = 0, right = 0 } = button.current?.getBoundingClientRect() ?? {}
    setSide(left + right > window.innerWidth ? 'right' : 'left')
    setOpen(!isOpen)
  }
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isOpen) return
    setOpen(false)
    button.current?.focus()
  }
  const closeOnLeave = ({ currentTarget, relatedTarget }: FocusEvent) => {
    // Safari gives clicked buttons no focus, so a click inside may end the focus, too.
    if (relatedTarget && !currentTarget.contains(relatedTarget)) setOpen(false)
  }
  useEffect(() => {
    if (!isOpen) return
    const closeOnClick = ({ target }: PointerEvent) => {
      if (!place.current?.contains(target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', closeOnClick)
    return () => document.removeEventListener('pointerdown', closeOnClick)
  }, [isOpen])
  return createElement(
    'div',
    {
      ref: place,
      className: ['authograph-user', className].filter(Boolean).join(' '),
      onKeyDown: closeOnEscape,
      onBlur: closeOnLeave,
    },
    createElement(
      'button',
      {
        ref: button,
        type: 'button',
        className: 'authograph-user-button',
        'aria-expanded': isOpen,
        'aria-controls': panelId,
        'aria-label': texts.accountOf(name),
        onClick: toggle,
      },
      createElement('span', { className: 'authograph-initial', 'data-initial': [...name][0]?.toUpperCase() }),
      createElement('span', { className: 'authograph-name' }, name),
    ),
    createElement(
      'div',
      { id: panelId, className: 'authograph-panel', 'data-side': side, hidden: !isOpen },
      createElement('p', { className: 'authograph-email' }, user.email),
      children,
    ),
  )
}
