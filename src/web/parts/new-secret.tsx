import { Button, Checkbox, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { DialogFrame } from './dialog.tsx'
import { Notice } from './notice.tsx'

type NewSecretProps = {
  title: string
  secret: string
  /** What to show of the secret, and beside it. */
  children: ReactNode
  says: {
    secretLead: string
    copied: string
    copyFailed: string
    copy: string
    stored: string
    done: string
    /** Shown to a person who closes the dialog before that; nothing if it is missing. */
    storeFirst?: string
  }
  onDone: () => void
}

/**
 * Shows a secret that the server cannot show again. Only the button closes it, once the person has stored the secret: a
 * click beside the dialog must not lose it.
 */
export function NewSecretDialog({ title, secret, children, says, onDone }: NewSecretProps) {
  const [copied, setCopied] = useState<boolean>()
  const [stored, setStored] = useState(false)
  const [reminded, setReminded] = useState(false)
  const copy = () =>
    navigator.clipboard.writeText(secret).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  return (
    <DialogFrame title={title} onClose={() => (stored ? onDone() : setReminded(true))}>
      <Stack gap={16}>
        <Text fz={14} lh={1.55}>
          {says.secretLead}
        </Text>
        {children}
        <Notice kind="success">{copied && says.copied}</Notice>
        <Notice kind="problem">{copied === false && says.copyFailed}</Notice>
        <div>
          <Button variant="default" onClick={() => void copy()}>
            {says.copy}
          </Button>
        </div>
        <Notice kind="problem">{reminded && !stored && says.storeFirst}</Notice>
        <Checkbox
          label={says.stored}
          checked={stored}
          onChange={event => setStored(event.currentTarget.checked)}
        />
        <Button disabled={!stored} onClick={onDone}>
          {says.done}
        </Button>
      </Stack>
    </DialogFrame>
  )
}
