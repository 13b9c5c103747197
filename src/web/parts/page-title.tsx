import { Title, type TitleProps } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useLanguage } from '../language.tsx'
import { settings } from '../page-settings.ts'

let opened = false

export type PageTitleProps = Omit<TitleProps, 'children'> & {
  children: string
  /** The name of the browser's tab; the heading by default. */
  tab?: string | undefined
  /** What the page is about. Another one takes the focus; the heading by default, unless it can be edited on the page. */
  about?: string
}

/**
 * The heading of a page. Names the browser's tab, and takes the focus when another page opens, unless the page gave it
 * to an input.
 */
export function PageTitle({ children, tab = children, about = children, ...props }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { tag } = useLanguage()
  const shownIn = useRef(tag)
  useEffect(() => {
    document.title = `${tab} · ${settings.appName}`
  }, [tab])
  // biome-ignore lint/correctness/useExhaustiveDependencies: something else to be about means a new page.
  useEffect(() => {
    // Changing the language does not open another page.
    const typing = document.activeElement?.matches('main input') === true
    if (opened && shownIn.current === tag && !typing) heading.current?.focus({ preventScroll: true })
    shownIn.current = tag
    opened = true
  }, [about, tag])
  return (
    <Title
      ref={heading}
      order={1}
      size={26}
      lh={1.3}
      tabIndex={-1}
      style={{ letterSpacing: '-0.015em' }}
      {...props}
    >
      {children}
    </Title>
  )
}
