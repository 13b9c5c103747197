import { Button, Group, Stack } from '@mantine/core'
import { type FormEvent, lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { returnFocus } from '../forms.ts'
import { useText } from '../language.tsx'
import { Notice } from './notice.tsx'

export type DialogProps = {
  title: string
  onClose: () => void
  form: { onSubmit: (event: FormEvent<HTMLFormElement>) => void; problem: string | undefined; busy: boolean }
  /** The label of the submit button. */
  action: string
  danger?: boolean
  children: ReactNode
}

export type DialogFrameProps = { title: string; onClose: () => void; children: ReactNode }

// Loaded after the page, so that the page does not wait for them. later.ts fetches them as soon as the browser is idle.
const Modal = lazy(() => import('./modal.tsx').then(({ Modal }) => ({ default: Modal })))

/** A modal dialog. */
export function DialogFrame({ title, onClose, children }: DialogFrameProps) {
  const [opener] = useState(() => document.activeElement)
  // The library returns the focus when a dialog closes, but not when it is unmounted.
  useEffect(() => () => returnFocus(opener), [opener])
  return (
    <Suspense fallback={null}>
      <Modal title={title} onClose={onClose}>
        {children}
      </Modal>
    </Suspense>
  )
}

/** A form in a modal dialog. */
export function Dialog({ title, onClose, form, action, danger, children }: DialogProps) {
  const { common } = useText()
  return (
    <DialogFrame title={title} onClose={onClose}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack gap={16}>
          {children}
          <Notice kind="problem">{form.problem}</Notice>
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" color={danger ? 'red' : 'brand'} loading={form.busy}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </DialogFrame>
  )
}
