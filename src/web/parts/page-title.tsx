import { Title, type TitleProps } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useLanguage } from '../language.tsx'
import { settings } from '../page-settings.ts'

let opened = false

export type PageTitleProps = Omit<TitleProps, 'children'> & {
  children: string
  /** What the browser's tab is called, where it is not the heading. */
  tab?: string | undefined
}

/** The heading of a page. A change of page is told by the tab's name, and moves the focus here. */
export function PageTitle({ children, tab = children, ...props }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { tag } = useLanguage()
  const shownIn = useRef(tag)
  useEffect(() => {
    document.title = `${tab} · ${settings.appName}`
  }, [tab])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another heading is another page.
  useEffect(() => {
    // The same page in another language is no other page.
    if (opened && shownIn.current === tag) heading.current?.focus({ preventScroll: true })
    shownIn.current = tag
    opened = true
  }, [children, tag])
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
