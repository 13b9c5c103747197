import { Anchor, Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useText } from '../language.tsx'
import { CardPage } from '../parts/card-page.tsx'

/** A link that is incomplete or no longer valid. `children` says how to get a new one. */
export function DeadLink({ missing, children }: { missing: boolean; children?: ReactNode }) {
  const { link, common } = useText()
  const { status } = useAuth()
  return (
    <CardPage title={link.badTitle} lead={missing ? link.missing : link.expired}>
      {children}
      <Anchor component={Link} href="/" ta="center" fz={14} underline="always">
        {status === 'signedIn' ? common.toAccount : common.toSignIn}
      </Anchor>
    </CardPage>
  )
}

/** The button to the next page. */
export function Onward({ href, children }: { href: string; children: string }) {
  return (
    <Button component={Link} href={href} size="md" fullWidth>
      {children}
    </Button>
  )
}
