import { Text, Textarea } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { beginActing } from '../acting.ts'
import { useChecks, useForm } from '../forms.ts'
import { ImpersonateUserDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { nameOf } from './person.tsx'
import type { UserDetails } from './user-details.ts'

type ActDialogProps = { user: UserDetails; onClose: () => void }

/** Asks why, and opens the account as the person sees it. */
export function ActDialog({ user, onClose }: ActDialogProps) {
  const { user: ofUser } = useText()
  const says = ofUser.act
  const { client } = useAuth()
  const checks = useChecks()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const form = useForm(
    async values => {
      const reason = values('reason').trim()
      const { impersonateUser } = await withRecentSignIn(() =>
        client.request(ImpersonateUserDocument, { id: user.id, reason }),
      )
      beginActing({ accessToken: impersonateUser.accessToken, userId: user.id })
    },
    { inputs: ['reason'], check: values => ({ reason: checks.required(values('reason')) }) },
  )
  return (
    <>
      <Dialog title={says.title(nameOf(user))} onClose={onClose} form={form} action={says.action}>
        <Text fz={14}>{says.told}</Text>
        <Textarea
          name="reason"
          label={ofUser.reason}
          description={says.reasonHint}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={500}
          error={form.error('reason')}
          data-autofocus
        />
      </Dialog>
      {dialog}
    </>
  )
}
