import { Text } from '@mantine/core'
import { useAuth } from '../../client/react.ts'
import { beginActing } from '../acting.ts'
import { ImpersonateUserDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { nameOf } from './names.tsx'
import { ReasonDialog } from './reason-dialog.tsx'
import type { UserDetails } from './user-details.ts'

type ActDialogProps = { user: UserDetails; onClose: () => void }

/** Asks why, and opens the account as the person sees it. */
export function ActDialog({ user, onClose }: ActDialogProps) {
  const says = useText().user.act
  const { client } = useAuth()
  const act = async (reason: string) => {
    const { impersonateUser } = await client.request(ImpersonateUserDocument, { id: user.id, reason })
    beginActing({ accessToken: impersonateUser.accessToken, userId: user.id })
  }
  return (
    <ReasonDialog
      title={says.title(nameOf(user))}
      action={says.action}
      hint={says.reasonHint}
      act={act}
      onClose={onClose}
    >
      <Text fz={14}>{says.told}</Text>
    </ReasonDialog>
  )
}
