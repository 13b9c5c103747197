import { Title, type TitleProps } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { facts } from '../facts.ts'

let opened = false

/** The heading of a page. A change of page is told by the tab's name, and moves the focus here. */
export function PageTitle({ children, ...props }: Omit<TitleProps, 'children'> & { children: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${children} · ${facts.appName}`
    if (opened) heading.current?.focus({ preventScroll: true })
    opened = true
  }, [children])
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
