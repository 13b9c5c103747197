import { Button, Group, Modal, Stack } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
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

/** A modal dialog. Has a header of its own, because screen readers take the library's for the page's. */
export function DialogFrame({ title, onClose, children }: DialogFrameProps) {
  const { common } = useText()
  const [opener] = useState(() => document.activeElement)
  // The library returns the focus when a dialog closes, but not when it is unmounted.
  useEffect(() => () => returnFocus(opener), [opener])
  return (
    <Modal.Root opened onClose={onClose} centered>
      <Modal.Overlay />
      <Modal.Content radius="lg">
        <Modal.Body p="lg">
          <Group justify="space-between" wrap="nowrap" align="flex-start" mb="md">
            <Modal.Title fw={650} fz={17} lh={1.4} style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Modal.Title>
            <Modal.CloseButton aria-label={common.close} />
          </Group>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
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
