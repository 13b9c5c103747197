import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { TotpSetup } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { CodeField } from './code-field.tsx'
import type { WithRecentSignIn } from './confirm-identity.tsx'
import { MailboxProof } from './mailbox-proof.tsx'
import { Notice } from './notice.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'

export type EnrollAppProps = {
  /** The ticket of a sign-in that must add a factor; omitted by signed-in users. */
  ticket?: string
  /** How signed-in users confirm who they are. */
  withRecentSignIn?: WithRecentSignIn
  /** The app is added, and the recovery codes are stored. */
  onDone: () => void
  onCancel: () => void
}

/** The step before is gone, and what had the focus with it. */
const focus = (heading: HTMLElement | null) => heading?.focus()

/** Adds an authenticator app, step by step. */
export function EnrollApp({ ticket, withRecentSignIn, onDone, onCancel }: EnrollAppProps) {
  const { factors, recovery } = useText()
  const { client } = useAuth()
  const [setup, setSetup] = useState<TotpSetup>()
  const [codes, setCodes] = useState<readonly string[]>()
  if (codes) {
    return (
      <Stack gap={8}>
        <Text component="h2" className="no-print" fw={650} fz={16} tabIndex={-1} ref={focus}>
          {recovery.title}
        </Text>
        <RecoveryCodes codes={codes} onDone={onDone} />
      </Stack>
    )
  }
  if (setup) {
    const confirmed = (recoveryCodes: readonly string[] | null) =>
      recoveryCodes ? setCodes(recoveryCodes) : onDone()
    return <ConfirmApp setup={setup} onConfirmed={confirmed} onCancel={onCancel} />
  }
  if (ticket !== undefined && settings.mail) {
    const onCode = async (code: string) => setSetup(await client.factors.beginTotp(ticket, code))
    return (
      <MailboxProof
        ticket={ticket}
        lead={factors.mailLead}
        action={factors.next}
        onCode={onCode}
        onCancel={onCancel}
      />
    )
  }
  const begin = () => client.factors.beginTotp(ticket)
  return (
    <Begin
      begin={async () =>
        setSetup(await (withRecentSignIn ? withRecentSignIn(begin, { addsFactor: true }) : begin()))
      }
      onCancel={onCancel}
    />
  )
}

function Begin({ begin, onCancel }: { begin: () => Promise<void>; onCancel: () => void }) {
  const { factors } = useText()
  const form = useForm(begin, { inputs: [] })
  return (
    <form onSubmit={form.onSubmit} className="stack">
      <Notice kind="problem">{form.problem}</Notice>
      <Text fz={14} lh={1.55}>
        {factors.appLead}
      </Text>
      <Buttons busy={form.busy} action={factors.begin} onCancel={onCancel} />
    </form>
  )
}

type ConfirmAppProps = {
  setup: TotpSetup
  onConfirmed: (recoveryCodes: readonly string[] | null) => void
  onCancel: () => void
}

function ConfirmApp({ setup, onConfirmed, onCancel }: ConfirmAppProps) {
  const { factors } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const form = useForm(
    async values => {
      const { recoveryCodes } = await client.factors.confirmTotp({
        ticket: setup.ticket,
        code: values('code'),
      })
      onConfirmed(recoveryCodes)
    },
    {
      inputs: ['code'],
      inputOf: { CODE_INVALID: 'code' },
      words: { CODE_INVALID: factors.wrongAppCode },
      check: values => ({ code: checks.required(values('code')) }),
    },
  )
  const image = `data:image/svg+xml;utf8,${encodeURIComponent(setup.qrCode)}`
  return (
    <form onSubmit={form.onSubmit} noValidate className="stack">
      <Notice kind="problem">{form.problem}</Notice>
      <Text fz={14} lh={1.55}>
        {factors.scan}
      </Text>
      <img className="qr-code" src={image} alt={factors.qrAlt} width={200} height={200} />
      <Stack gap={4}>
        <Text fz={14}>{factors.byHand}</Text>
        <code className="secret">{setup.secret.match(/.{1,4}/g)?.join(' ')}</code>
        <Anchor href={setup.uri} fz={14}>
          {factors.openApp}
        </Anchor>
      </Stack>
      <CodeField error={form.error('code')} description={factors.appCodeHint} />
      <Buttons busy={form.busy} action={factors.turnOn} onCancel={onCancel} />
    </form>
  )
}

function Buttons({ busy, action, onCancel }: { busy: boolean; action: string; onCancel: () => void }) {
  const { common } = useText()
  return (
    <Group gap="sm">
      <Button type="submit" loading={busy}>
        {action}
      </Button>
      <Button variant="default" onClick={onCancel}>
        {common.cancel}
      </Button>
    </Group>
  )
}
