import { Button, Checkbox, Group, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import {
  CreateWebhookDocument,
  DeleteWebhookDocument,
  RotateWebhookSecretDocument,
  UpdateWebhookDocument,
} from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Dialog, DialogFrame } from '../parts/dialog.tsx'
import type { Webhook } from './webhooks.tsx'

const EVERY_EVENT = '*'
/** Such an event would fail in its turn. */
const NEVER_DELIVERED = 'webhook.delivery_failed'

type Dialogs = { onClose: () => void; onDone: (told: string, secret?: string) => void }

/** Creates a webhook or changes the given one. */
export function WebhookDialog({ webhook, onClose, onDone }: Dialogs & { webhook?: Webhook }) {
  const { webhooks: says, common, actions } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const [all, setAll] = useState(webhook?.events.includes(EVERY_EVENT) ?? true)
  const [events, setEvents] = useState(webhook?.events.filter(event => event !== EVERY_EVENT) ?? [])
  const [enabled, setEnabled] = useState(webhook?.enabled ?? true)
  const form = useForm(
    async values => {
      const input = { url: values('url').trim(), events: all ? [EVERY_EVENT] : events, enabled }
      if (webhook) {
        await client.request(UpdateWebhookDocument, { id: webhook.id, input })
        onDone(says.saved(input.url))
        return
      }
      const { createWebhook } = await client.request(CreateWebhookDocument, { input })
      onDone(says.saved(input.url), createWebhook.secret)
    },
    {
      inputs: ['url', 'events'],
      check: values => ({
        url: checks.required(values('url')),
        events: !all && events.length === 0 ? says.chooseOne : undefined,
      }),
    },
  )
  return (
    <Dialog
      title={webhook ? says.changeOf(webhook.url) : says.create}
      onClose={onClose}
      form={form}
      action={common.save}
    >
      <TextInput
        name="url"
        type="url"
        label={says.url}
        description={says.urlHint}
        placeholder="https://app.example.com/webhooks"
        defaultValue={webhook?.url}
        autoComplete="off"
        spellCheck={false}
        required
        withAsterisk={false}
        error={form.error('url')}
        data-autofocus
      />
      <Radio.Group
        name="which"
        label={says.events}
        value={all ? 'all' : 'some'}
        onChange={value => setAll(value === 'all')}
      >
        <Stack gap={10} mt={8}>
          <Radio value="all" label={says.all} />
          <Radio value="some" label={says.some} />
        </Stack>
      </Radio.Group>
      {!all && (
        <Checkbox.Group label={says.some} value={events} onChange={setEvents} error={form.error('events')}>
          <Stack gap={10} my={8} className="scroll-list">
            {Object.entries(actions)
              .filter(([event]) => event !== NEVER_DELIVERED)
              .map(([event, name]) => (
                <Checkbox key={event} value={event} label={name} description={event} />
              ))}
          </Stack>
        </Checkbox.Group>
      )}
      <Checkbox
        label={says.enable}
        description={says.enableHint}
        checked={enabled}
        onChange={event => setEnabled(event.currentTarget.checked)}
      />
    </Dialog>
  )
}

/** Replaces the secret of a webhook. */
export function RotateSecretDialog({ webhook, onClose, onDone }: Dialogs & { webhook: Webhook }) {
  const { webhooks: says } = useText()
  const { client } = useAuth()
  const form = useForm(
    async () => {
      const { rotateWebhookSecret } = await client.request(RotateWebhookSecretDocument, { id: webhook.id })
      onDone(says.rotated(webhook.url), rotateWebhookSecret.secret)
    },
    { inputs: [] },
  )
  return (
    <Dialog title={says.rotateOf(webhook.url)} onClose={onClose} form={form} action={says.rotate}>
      <Text fz={14}>{says.rotateLead}</Text>
    </Dialog>
  )
}

export function DeleteWebhookDialog({ webhook, onClose, onDone }: Dialogs & { webhook: Webhook }) {
  const { webhooks: says } = useText()
  const { client } = useAuth()
  const form = useForm(
    async () => {
      await client.request(DeleteWebhookDocument, { id: webhook.id })
      onDone(says.deleted(webhook.url))
    },
    { inputs: [] },
  )
  return (
    <Dialog title={says.deleteOf(webhook.url)} onClose={onClose} form={form} action={says.delete} danger>
      <Text fz={14}>{says.deleteLead}</Text>
    </Dialog>
  )
}

/** Shows a new secret, which the server cannot show again. */
export function SecretDialog({ secret, onDone }: { secret: string; onDone: () => void }) {
  const { webhooks: says, common } = useText()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(secret)
    setCopied(true)
  }
  return (
    <DialogFrame title={says.secret} onClose={onDone}>
      <Stack gap={16}>
        <Text fz={14} lh={1.55}>
          {says.secretLead}
        </Text>
        <code className="mono secret">{secret}</code>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => void copy().catch(() => setCopied(false))}>
            {copied ? says.copied : says.copy}
          </Button>
          <Button onClick={onDone} data-autofocus>
            {common.close}
          </Button>
        </Group>
      </Stack>
    </DialogFrame>
  )
}
