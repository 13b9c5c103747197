import { Button, Checkbox, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { RotateServiceAccountSecretDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Dialog, DialogFrame } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import type { ServiceDialogProps } from './service-dialog.tsx'
import type { NewSecret, ServiceAccount } from './services.tsx'

const OVERLAPS_HOURS = [1, 24] as const

/** Replaces the secret of a service account. */
export function RotateDialog({
  service,
  withRecentSignIn,
  onClose,
  onDone,
}: ServiceDialogProps & { service: ServiceAccount }) {
  const { services: says } = useText()
  const { client } = useAuth()
  const form = useForm(
    async values => {
      const previousValidSeconds = Number(values('hours')) * 3600
      const { rotateServiceAccountSecret: rotated } = await withRecentSignIn(() =>
        client.request(RotateServiceAccountSecretDocument, { id: service.id, previousValidSeconds }),
      )
      const { serviceAccount, secret } = rotated
      onDone({ made: secret ? { service: serviceAccount, secret } : undefined })
    },
    { inputs: ['hours'] },
  )
  return (
    <Dialog
      title={says.rotateTitle(service.name)}
      onClose={onClose}
      form={form}
      action={says.rotateAction}
      danger
    >
      <NativeSelect
        name="hours"
        label={says.overlap}
        description={says.overlapHint}
        data={[
          { value: '0', label: says.overlapNow },
          ...OVERLAPS_HOURS.map(hours => ({ value: String(hours), label: says.overlapHours(hours) })),
        ]}
        data-autofocus
      />
    </Dialog>
  )
}

/** Shows the client ID and the secret, which the server cannot show again. */
export function ServiceSecret({ made, onDone }: { made: NewSecret; onDone: () => void }) {
  const { services: says } = useText()
  const [copied, setCopied] = useState<boolean>()
  const [stored, setStored] = useState(false)
  const copy = () =>
    navigator.clipboard.writeText(made.secret).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  return (
    // Only the button closes it: a click beside the dialog must not lose the secret.
    <DialogFrame title={says.secretTitle(made.service.name)} onClose={() => stored && onDone()}>
      <Stack gap={16}>
        <Text fz={14} lh={1.55}>
          {says.secretLead}
        </Text>
        <div>
          <Text fz={13} fw={550}>
            {says.clientId}
          </Text>
          <code className="secret">{made.service.id}</code>
        </div>
        <div>
          <Text fz={13} fw={550}>
            {says.secret}
          </Text>
          <code className="secret">{made.secret}</code>
        </div>
        <Notice kind="success">{copied && says.copied}</Notice>
        <Notice kind="problem">{copied === false && says.copyFailed}</Notice>
        <div>
          <Button variant="default" onClick={() => void copy()}>
            {says.copy}
          </Button>
        </div>
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
