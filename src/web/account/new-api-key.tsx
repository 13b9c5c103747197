import { NativeSelect, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { ApiKeyCreated } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import type { WithRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { NewSecretDialog } from '../parts/new-secret.tsx'
import { PermissionChoices } from '../parts/permission-choices.tsx'

const LIFETIMES_DAYS = [30, 90, 365] as const
const DAY_MS = 86_400_000

type NewApiKeyProps = {
  withRecentSignIn: WithRecentSignIn
  onClose: () => void
  onCreated: (created: ApiKeyCreated) => void
}

/** Creates a key with some of the user's permissions. */
export function NewApiKey({ withRecentSignIn, onClose, onCreated }: NewApiKeyProps) {
  const { apiKeys: says } = useText()
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
        <PermissionChoices
          choices={choices}
          description={says.permissionsHint}
          value={permissions}
          onChange={setPermissions}
        />
      )}
    </Dialog>
  )
}

/** Shows the key, which the server cannot show again. */
export function NewApiKeySecret({ created, onDone }: { created: ApiKeyCreated; onDone: () => void }) {
  const { apiKeys: says } = useText()
  return (
    <NewSecretDialog
      title={says.secretTitle(created.apiKey.name)}
      secret={created.secret}
      says={says}
      onDone={onDone}
    >
      <code className="secret">{created.secret}</code>
    </NewSecretDialog>
  )
}
