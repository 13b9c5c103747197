import { Checkbox, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { CreateServiceAccountDocument, UpdateServiceAccountDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import type { WithRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { RoleChoice } from './role-choice.tsx'
import type { NewSecret, ServiceAccount } from './services.tsx'

export type ServiceDialogProps = {
  withRecentSignIn: WithRecentSignIn
  onClose: () => void
  onDone: (result: { told?: string; made?: NewSecret | undefined }) => void
}

/** Creates a service account or changes the given one. */
export function ServiceDialog({
  service,
  withRecentSignIn,
  onClose,
  onDone,
}: ServiceDialogProps & { service?: ServiceAccount }) {
  const { services: says, common } = useText()
  const { client } = useAuth()
  const checks = useChecks()
  const [roles, setRoles] = useState(service?.roles ?? [])
  const keyInput = service ? 'addPublicKeys' : 'publicKeys'
  const [keptKeys, setKeptKeys] = useState(service?.keyIds ?? [])
  const form = useForm(
    async values => {
      const name = values('name').trim()
      const audiences = values('audiences').split(/\s+/).filter(Boolean)
      const publicKey = values(keyInput).trim()
      const shared = { name, roles, ...((service || audiences.length > 0) && { audiences }) }
      if (service) {
        // Only the differences, so that a key that someone else has added meanwhile stays.
        const removeKeyIds = service.keyIds.filter(kid => !keptKeys.includes(kid))
        const input = {
          ...shared,
          ...(removeKeyIds.length > 0 && { removeKeyIds }),
          ...(publicKey && { addPublicKeys: [publicKey] }),
        }
        await withRecentSignIn(() => client.request(UpdateServiceAccountDocument, { id: service.id, input }))
        return onDone({ told: says.saved(name) })
      }
      const input = { ...shared, ...(publicKey && { publicKeys: [publicKey] }) }
      const { createServiceAccount: created } = await withRecentSignIn(() =>
        client.request(CreateServiceAccountDocument, { input }),
      )
      const { serviceAccount, secret } = created
      onDone({ told: says.saved(name), made: secret ? { service: serviceAccount, secret } : undefined })
    },
    {
      inputs: ['name', 'audiences', keyInput],
      words: { CONFLICT: says.taken },
      check: values => ({ name: checks.required(values('name')) }),
    },
  )
  return (
    <Dialog
      title={service ? says.changeOf(service.name) : says.create}
      onClose={onClose}
      form={form}
      action={service ? common.save : says.createAction}
    >
      <TextInput
        name="name"
        label={common.displayName}
        description={says.nameHint}
        defaultValue={service?.name}
        autoComplete="off"
        maxLength={100}
        error={form.error('name')}
        data-autofocus
      />
      <RoleChoice value={roles} onChange={setRoles} />
      <Textarea
        name="audiences"
        label={service ? says.audiences : `${says.audiences} (${common.optional})`}
        description={says.audiencesHint}
        defaultValue={service?.audiences.join('\n')}
        autosize
        minRows={2}
        maxRows={6}
        spellCheck={false}
        error={form.error('audiences')}
      />
      {service && service.keyIds.length > 0 && (
        <Checkbox.Group label={says.keys} description={says.keysHint} value={keptKeys} onChange={setKeptKeys}>
          <Stack gap={8} mt={8}>
            {service.keyIds.map(kid => (
              <Checkbox
                key={kid}
                value={kid}
                label={
                  <Text span fz={13} className="mono" style={{ overflowWrap: 'anywhere' }}>
                    {kid}
                  </Text>
                }
              />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
      <Textarea
        name={keyInput}
        label={`${service ? says.addKey : says.publicKey} (${common.optional})`}
        description={service?.hasSecret ? says.addKeyHint : says.publicKeyHint}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        error={form.error(keyInput)}
      />
    </Dialog>
  )
}
