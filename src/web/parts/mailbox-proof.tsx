import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { CodeField } from './code-field.tsx'
import { Notice } from './notice.tsx'
import { Resend } from './resend.tsx'

export type MailboxProofProps = {
  /** Of the sign-in that the code is for. */
  ticket: string
  /** Why a code is needed. */
  lead: string
  /** The label of the button that sends the code which was typed. */
  action: string
  onCode: (code: string) => Promise<void>
  onCancel: () => void
}

/** Emails a code in the middle of a sign-in, because someone else may know the password, and asks for it. */
export function MailboxProof({ ticket, lead, action, onCode, onCancel }: MailboxProofProps) {
  const { factors, common } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const [sent, setSent] = useState(false)
  const send = () => client.factors.sendEmailCode(ticket)
  const form = useForm(
    async values => {
      if (sent) return onCode(values('code'))
      await send()
      setSent(true)
    },
    {
      inputs: ['code'],
      inputOf: { CODE_INVALID: 'code' },
      check: values => ({ code: sent ? checks.required(values('code')) : undefined }),
    },
  )
  return (
    <>
      <form onSubmit={form.onSubmit} noValidate className="stack">
        <Notice kind="problem">{form.problem}</Notice>
        <Text fz={14} lh={1.55}>
          {sent ? factors.mailSent : lead}
        </Text>
        {sent && <CodeField error={form.error('code')} autoFocus />}
        <Group gap="sm">
          <Button type="submit" loading={form.busy}>
            {sent ? action : factors.sendCode}
          </Button>
          <Button variant="default" onClick={onCancel}>
            {common.cancel}
          </Button>
        </Group>
      </form>
      {sent && <Resend send={send} label={factors.resendCode} />}
    </>
  )
}
