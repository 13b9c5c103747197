import { Button, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { InviteUserDocument } from '../generated/graphql.ts'
import { useLanguage } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { EmailField } from '../parts/fields.tsx'
import { RoleChoice } from './role-choice.tsx'

/** The role of accounts that are invited without roles. */
export const DEFAULT_ROLE = 'user'

export type InviteProps = {
  onClose: () => void
  onInvited: (email: string) => void
  /** Opens the dialog for several people instead. */
  onMany: () => void
}

export function Invite({ onClose, onInvited, onMany }: InviteProps) {
  const { tag, text } = useLanguage()
  const { client, user } = useAuth()
  const checks = useChecks()
  const mayGrant = user?.permissions.includes('roles:write') === true
  const [roles, setRoles] = useState<string[]>([DEFAULT_ROLE])
  const form = useForm(
    async values => {
      const displayName = values('displayName').trim()
      const { inviteUser } = await client.request(InviteUserDocument, {
        input: {
          email: values('email').trim(),
          locale: tag,
          ...(displayName && { displayName }),
          ...(mayGrant && { roles }),
        },
      })
      onInvited(inviteUser.email)
    },
    { inputs: ['email', 'displayName'], check: values => ({ email: checks.email(values('email')) }) },
  )
  const { common, users, bulk } = text
  return (
    <Dialog title={users.inviteTitle} onClose={onClose} form={form} action={users.inviteAction}>
      <Text fz={14}>{users.inviteLead}</Text>
      <EmailField autoComplete="off" error={form.error('email')} data-autofocus />
      <TextInput
        name="displayName"
        label={`${common.displayName} (${common.optional})`}
        autoComplete="off"
        maxLength={100}
        error={form.error('displayName')}
      />
      {mayGrant && <RoleChoice value={roles} onChange={setRoles} />}
      <div>
        <Button variant="subtle" size="compact-sm" onClick={onMany}>
          {bulk.inviteMany}
        </Button>
      </div>
    </Dialog>
  )
}
