import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { download } from '../download.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { useTimes } from '../times.ts'
import { DialogFrame } from './dialog.tsx'

export type RecoveryCodesProps = {
  codes: readonly string[]
  /** The person says that the codes are stored, or closes the dialog. */
  onDone: () => void
}

/** A dialog with recovery codes. */
export function RecoveryCodesDialog({ codes, onDone }: RecoveryCodesProps) {
  const { recovery } = useText()
  return (
    <DialogFrame title={recovery.title} onClose={onDone}>
      <RecoveryCodes codes={codes} onDone={onDone} />
    </DialogFrame>
  )
}

/** Recovery codes, which the server cannot show again. */
export function RecoveryCodes({ codes, onDone }: RecoveryCodesProps) {
  const { recovery } = useText()
  const { user } = useAuth()
  const times = useTimes()
  const [stored, setStored] = useState(false)
  const title = recovery.fileTitle(settings.appName)
  const owner = [user?.email, times.day(new Date().toISOString())].filter(Boolean).join(' · ')
  const text = `${title}\n${owner}\n\n${codes.join('\n')}\n`
  return (
    <Stack gap={16}>
      <div className="print-only">
        <Text fw={650} fz={20}>
          {title}
        </Text>
        <Text fz={14}>{owner}</Text>
        <Text fz={14}>{recovery.onPaper}</Text>
      </div>
      <Text className="no-print" fz={14} lh={1.55}>
        {recovery.lead}
      </Text>
      <ul className="recovery-codes" aria-label={recovery.title}>
        {codes.map(code => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <Group gap="sm" className="no-print">
        <Button variant="default" onClick={() => download(text, 'text/plain', 'recovery-codes.txt')}>
          {recovery.download}
        </Button>
        <Button variant="default" onClick={() => print()}>
          {recovery.print}
        </Button>
      </Group>
      <Checkbox
        className="no-print"
        label={recovery.stored}
        checked={stored}
        onChange={event => setStored(event.currentTarget.checked)}
      />
      <Button className="no-print" disabled={!stored} onClick={onDone}>
        {recovery.done}
      </Button>
    </Stack>
  )
}
