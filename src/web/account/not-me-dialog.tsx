import { Text } from '@mantine/core'
import { useState } from 'react'
import type { User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { deviceOf } from '../parts/session-rows.tsx'
import { PasswordInputs, usePasswordChange } from './password-change.tsx'
import type { SecurityEvent } from './security-activity.tsx'

type NotMeDialogProps = { event: SecurityEvent; user: User; onClose: () => void; onSecured: () => void }

/** For an owner without a password: ends all other sessions, and says what to look through next. */
export function NotMeWithoutPassword({ event, onClose, onSecured }: Omit<NotMeDialogProps, 'user'>) {
  const text = useText()
  const { activity: says } = text
  const { client } = useAuth()
  const ending = useForm(
    async () => {
      await client.sessions.revokeOthers()
      onSecured()
    },
    { inputs: [] },
  )
  return (
    <Dialog title={says.endTitle} onClose={onClose} form={ending} action={says.endOthers} danger>
      <Text fz={14}>{says.endOthersLead(deviceOf(text, event))}</Text>
    </Dialog>
  )
}

/**
 * Ends the session of a sign-in that was not the owner's, then sets a new password. The session ends first: otherwise,
 * its holder could act while the owner thinks of a password.
 */
export function NotMeDialog({ event, user, onClose, onSecured }: NotMeDialogProps) {
  const text = useText()
  const { activity: says, security } = text
  const { client } = useAuth()
  const device = deviceOf(text, event)
  const [step, setStep] = useState<'end' | 'password'>(event.session ? 'end' : 'password')
  const ending = useForm(
    async () => {
      if (event.session) await client.sessions.revoke(event.session.id)
      setStep('password')
    },
    { inputs: [] },
  )
  const changing = usePasswordChange(onSecured)
  if (step === 'end') {
    return (
      <Dialog title={says.endTitle} onClose={onClose} form={ending} action={says.end} danger>
        <Text fz={14}>{says.endLead(device)}</Text>
      </Dialog>
    )
  }
  return (
    <Dialog title={says.endTitle} onClose={onClose} form={changing} action={security.action}>
      <Notice kind="success">{event.session ? says.ended(device) : says.endedBefore}</Notice>
      <Text fz={14}>{says.passwordLead}</Text>
      <PasswordInputs form={changing} user={user} autoFocus />
    </Dialog>
  )
}
