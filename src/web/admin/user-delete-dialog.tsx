import { Text, TextInput } from '@mantine/core'
import { useLocation } from 'wouter'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { DeleteUserDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { nameOf } from './names.tsx'
import type { UserDetails } from './user-details.ts'

type DeleteDialogProps = { user: UserDetails; onClose: () => void }

/** Asks for the email address of the account before deleting it. */
export function DeleteDialog({ user, onClose }: DeleteDialogProps) {
  const { user: says } = useText()
  const { client } = useAuth()
  const [, navigate] = useLocation()
  const form = useForm(
    async () => {
      await client.request(DeleteUserDocument, { id: user.id })
      navigate('/users', { state: { deleted: nameOf(user) } })
    },
    {
      inputs: ['email'],
      check: values => ({
        email: values('email').trim() === user.email ? undefined : says.deleteMismatch,
      }),
    },
  )
  return (
    <Dialog title={says.deleteTitle(nameOf(user))} onClose={onClose} form={form} action={says.delete} danger>
      <Text fz={14}>{says.deleteLead}</Text>
      <TextInput
        name="email"
        label={says.deleteType(user.email)}
        autoComplete="off"
        spellCheck={false}
        error={form.error('email')}
        data-autofocus
      />
    </Dialog>
  )
}
