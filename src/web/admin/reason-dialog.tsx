import { Textarea } from '@mantine/core'
import type { ReactNode } from 'react'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'

type ReasonDialogProps = {
  title: string
  /** The words of its button. */
  action: string
  /** What the reason is for, and who sees it. */
  hint: string
  danger?: boolean
  /** Acts, after a recent sign-in. */
  act: (reason: string) => Promise<void>
  onClose: () => void
  /** What the act leads to. */
  children: ReactNode
}

/** Asks why, before an act on someone else's account that requires a recent sign-in. */
export function ReasonDialog({ title, action, hint, danger, act, onClose, children }: ReasonDialogProps) {
  const { user: says } = useText()
  const checks = useChecks()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const form = useForm(values => withRecentSignIn(() => act(values('reason').trim())), {
    inputs: ['reason'],
    check: values => ({ reason: checks.required(values('reason')) }),
  })
  return (
    <>
      <Dialog title={title} onClose={onClose} form={form} action={action} {...(danger && { danger })}>
        {children}
        <Textarea
          name="reason"
          label={says.reason}
          description={hint}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={500}
          error={form.error('reason')}
          data-autofocus
        />
      </Dialog>
      {dialog}
    </>
  )
}
