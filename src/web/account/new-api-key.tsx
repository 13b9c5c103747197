import { Button, Checkbox, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { ApiKeyCreated } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import type { WithRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog, DialogFrame } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'

const LIFETIMES_DAYS = [30, 90, 365] as const
const DAY_MS = 86_400_000

type NewApiKeyProps = {
  withRecentSignIn: WithRecentSignIn
  onClose: () => void
  onCreated: (created: ApiKeyCreated) => void
}

/** Creates a key with some of the user's permissions. */
export function NewApiKey({ withRecentSignIn, onClose, onCreated }: NewApiKeyProps) {
  const { apiKeys: says, roles } = useText()
  const { client, user } = useAuth()
  const checks = useChecks()
  const [permissions, setPermissions] = useState<string[]>([])
  const form = useForm(
    async values => {
      const days = Number(values('days'))
      const expiresAt = days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : null
      const input = { name: values('name').trim(), permissions, expiresAt }
      onCreated(await withRecentSignIn(() => client.apiKeys.create(input)))
    },
    { inputs: ['name'], check: values => ({ name: checks.required(values('name')) }) },
  )
  const choices = user?.permissions ?? []
  return (
    <Dialog title={says.create} onClose={onClose} form={form} action={says.createAction}>
      <TextInput
        name="name"
        label={says.name}
        description={says.nameHint}
        autoComplete="off"
        maxLength={100}
        error={form.error('name')}
        data-autofocus
      />
      <NativeSelect
        name="days"
        label={says.expires}
        defaultValue="90"
        data={[
          ...LIFETIMES_DAYS.map(days => ({ value: String(days), label: says.inDays(days) })),
          { value: '0', label: says.never },
        ]}
      />
      {choices.length === 0 ? (
        <Text fz={14} c="dimmed">
          {says.asYou}
        </Text>
      ) : (
        <Checkbox.Group
          label={roles.permissions}
          description={says.permissionsHint}
          value={permissions}
          onChange={setPermissions}
        >
          <Stack gap={10} mt={8}>
            {choices.map(name => (
              <Checkbox
                key={name}
                value={name}
                label={name}
                description={(roles.may as Partial<Record<string, string>>)[name]}
              />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
    </Dialog>
  )
}

/** Shows the key, which the server cannot show again. */
export function NewApiKeySecret({ created, onDone }: { created: ApiKeyCreated; onDone: () => void }) {
  const { apiKeys: says } = useText()
  const [copied, setCopied] = useState<boolean>()
  const [stored, setStored] = useState(false)
  const [reminded, setReminded] = useState(false)
  const copy = () =>
    navigator.clipboard.writeText(created.secret).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  return (
    // A click beside the dialog must not lose the key.
    <DialogFrame
      title={says.secretTitle(created.apiKey.name)}
      onClose={() => (stored ? onDone() : setReminded(true))}
    >
      <Stack gap={16}>
        <Text fz={14} lh={1.55}>
          {says.secretLead}
        </Text>
        <code className="secret">{created.secret}</code>
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
