import { Text, TextInput } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { DisableUserDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { nameOf } from './names.tsx'
import type { UserDetails } from './user-details.ts'

type DisableDialogProps = { user: UserDetails; onClose: () => void; onDone: () => void }

export function DisableDialog({ user, onClose, onDone }: DisableDialogProps) {
  const { user: says, common } = useText()
  const { client } = useAuth()
  const form = useForm(
    async values => {
      const reason = values('reason').trim()
      await client.request(DisableUserDocument, { id: user.id, ...(reason && { reason }) })
      onDone()
    },
    { inputs: ['reason'] },
  )
  return (
    <Dialog
      title={says.disableTitle(nameOf(user))}
      onClose={onClose}
      form={form}
      action={says.disable}
      danger
    >
      <Text fz={14}>{says.disableLead}</Text>
      <TextInput
        name="reason"
        label={`${says.reason} (${common.optional})`}
        description={says.reasonHint}
        maxLength={200}
        error={form.error('reason')}
        data-autofocus
      />
    </Dialog>
  )
}
