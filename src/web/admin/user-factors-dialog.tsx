import { Text, Textarea } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { ResetUserFactorsDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { nameOf } from './person.tsx'
import type { UserDetails } from './user-details.ts'

type ResetFactorsDialogProps = { user: UserDetails; onClose: () => void; onDone: () => Promise<void> }

/** Says what a reset of the second factors leads to, and asks why. */
export function ResetFactorsDialog({ user, onClose, onDone }: ResetFactorsDialogProps) {
  const { user: ofUser } = useText()
  const says = ofUser.factors
  const { client } = useAuth()
  const checks = useChecks()
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const form = useForm(
    async values => {
      const reason = values('reason').trim()
      await withRecentSignIn(() => client.request(ResetUserFactorsDocument, { id: user.id, reason }))
      await onDone()
    },
    { inputs: ['reason'], check: values => ({ reason: checks.required(values('reason')) }) },
  )
  return (
    <>
      <Dialog title={says.resetTitle(nameOf(user))} onClose={onClose} form={form} action={says.reset} danger>
        <Text fz={14}>{says.check}</Text>
        <div>
          <Text fz={14} fw={550}>
            {says.next}
          </Text>
          <ol className="steps">
            {says.steps.map(step => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </div>
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
