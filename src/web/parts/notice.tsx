import { Alert } from '@mantine/core'
import type { ReactNode } from 'react'
import { isStorageBlocked } from '../browser-storage.ts'
import { useBrowserFact } from '../hydration.ts'
import { AlertIcon, CheckIcon, MailIcon } from '../icons.tsx'
import { useText } from '../language.tsx'

const kinds = {
  problem: { color: 'red', icon: <AlertIcon />, role: 'alert' },
  warning: { color: 'yellow', icon: <AlertIcon />, role: 'status' },
  success: { color: 'teal', icon: <CheckIcon />, role: 'status' },
  mail: { color: 'blue', icon: <MailIcon />, role: 'status' },
} as const

/** Warns before signing in that the browser blocks cookies. */
export function CookieNotice() {
  const { signIn } = useText()
  const blocked = useBrowserFact(isStorageBlocked, false)
  return <Notice kind="warning">{blocked && signIn.noCookies}</Notice>
}

/** A message that screen readers announce. Renders nothing without children. */
export function Notice({ kind, children }: { kind: keyof typeof kinds; children: ReactNode }) {
  if (!children) return null
  return (
    <Alert
      {...kinds[kind]}
      variant="light"
      radius="md"
      p="sm"
      styles={{ message: { lineHeight: 1.5 } }}
      vars={() => ({
        root: {
          '--alert-bg': `color-mix(in srgb, var(--mantine-color-${kinds[kind].color}-6) 11%, var(--surface))`,
        },
      })}
    >
      {children}
    </Alert>
  )
}
