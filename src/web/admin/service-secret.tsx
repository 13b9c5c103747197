import { NativeSelect, Text } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { RotateServiceAccountSecretDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { NewSecretDialog } from '../parts/new-secret.tsx'
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
  return (
    <NewSecretDialog
      title={says.secretTitle(made.service.name)}
      secret={made.secret}
      says={says}
      onDone={onDone}
    >
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
    </NewSecretDialog>
  )
}
