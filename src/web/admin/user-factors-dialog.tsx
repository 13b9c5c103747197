import { Text } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { ResetUserFactorsDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { nameOf } from './names.tsx'
import { ReasonDialog } from './reason-dialog.tsx'
import type { UserDetails } from './user-details.ts'

type ResetFactorsDialogProps = { user: UserDetails; onClose: () => void; onDone: () => Promise<void> }

/** Says what a reset of the second factors leads to, and asks why. */
export function ResetFactorsDialog({ user, onClose, onDone }: ResetFactorsDialogProps) {
  const says = useText().user.factors
  const { client } = useAuth()
  const act = async (reason: string) => {
    await client.request(ResetUserFactorsDocument, { id: user.id, reason })
    await onDone()
  }
  return (
    <ReasonDialog
      title={says.resetTitle(nameOf(user))}
      action={says.reset}
      hint={says.reasonHint}
      danger
      act={act}
      onClose={onClose}
    >
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
    </ReasonDialog>
  )
}
