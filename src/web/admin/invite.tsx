import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useChecks, useForm } from '../forms.ts'
import { InviteUserDocument } from '../generated/graphql.ts'
import { useLanguage } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { RoleChoice } from './roles.tsx'

export type InviteProps = { opened: boolean; onClose: () => void; onInvited: (email: string) => void }

export function Invite({ opened, onClose, onInvited }: InviteProps) {
  const { text } = useLanguage()
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={text.users.inviteTitle}
      centered
      closeButtonProps={{ 'aria-label': text.common.close }}
    >
      <InviteForm onClose={onClose} onInvited={onInvited} />
    </Modal>
  )
}

function InviteForm({ onClose, onInvited }: Omit<InviteProps, 'opened'>) {
  const { tag, text } = useLanguage()
  const { client, user } = useAuth()
  const checks = useChecks()
  const [roles, setRoles] = useState<string[]>([])
  const form = useForm(
    async values => {
      const displayName = values('displayName').trim()
      const { inviteUser } = await client.request(InviteUserDocument, {
        input: {
          email: values('email').trim(),
          locale: tag,
          ...(displayName && { displayName }),
          ...(roles.length > 0 && { roles }),
        },
      })
      onInvited(inviteUser.email)
    },
    { inputs: ['email', 'displayName'], check: values => ({ email: checks.email(values('email')) }) },
  )
  const { common, users } = text
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack gap={16}>
        <Text fz={14}>{users.inviteLead}</Text>
        <Notice kind="problem">{form.problem}</Notice>
        <TextInput
          name="email"
          type="email"
          label={common.email}
          autoComplete="off"
          required
          withAsterisk={false}
          error={form.error('email')}
          data-autofocus
        />
        <TextInput
          name="displayName"
          label={`${common.displayName} (${common.optional})`}
          autoComplete="off"
          maxLength={100}
          error={form.error('displayName')}
        />
        {user?.permissions.includes('roles:write') && <RoleChoice value={roles} onChange={setRoles} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={form.busy}>
            {users.inviteAction}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
