import { Button, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { CreateRoleDocument, DeleteRoleDocument, UpdateRoleDocument } from '../generated/graphql.ts'
import { PlusIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Frame } from '../parts/frame.tsx'
import { Notice } from '../parts/notice.tsx'
import { Answer } from '../parts/panel.tsx'
import { PermissionChoices } from '../parts/permission-choices.tsx'
import { PageHead } from './page-head.tsx'
import { type Role, useRoles } from './role-choice.tsx'
import { RoleFactorDialog } from './role-factor-dialog.tsx'
import { type RoleAsking, RoleRow } from './role-row.tsx'

type Asking = { what: 'create' } | RoleAsking

/** The roles of this server. */
export function Roles() {
  const { roles: says } = useText()
  const { user } = useAuth()
  const query = useRoles()
  const [asking, setAsking] = useState<Asking>()
  const [done, setDone] = useState<string>()
  const dialog = {
    onClose: () => setAsking(undefined),
    onDone: (told: string) => {
      setAsking(undefined)
      setDone(told)
      void query.reload()
    },
  }
  const manage = user?.permissions.includes('roles:write') === true
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead}>
        {manage && (
          <Button leftSection={<PlusIcon size={16} />} onClick={() => setAsking({ what: 'create' })}>
            {says.create}
          </Button>
        )}
      </PageHead>
      <Notice kind="success">{done}</Notice>
      <div className="panel list">
        <Answer query={query}>
          {roles => (
            <ul className="rows">
              {roles.map(role => (
                <RoleRow key={role.name} role={role} ask={manage ? setAsking : undefined} />
              ))}
            </ul>
          )}
        </Answer>
      </div>
      {asking?.what === 'create' && <RoleDialog {...dialog} />}
      {asking?.what === 'change' && <RoleDialog {...dialog} role={asking.role} />}
      {asking?.what === 'factor' && <RoleFactorDialog {...dialog} role={asking.role} />}
      {asking?.what === 'delete' && <DeleteDialog {...dialog} role={asking.role} />}
    </Frame>
  )
}

type RoleDialogProps = { onClose: () => void; onDone: (told: string) => void }

/** Creates a role or changes the given one. Users can only grant permissions that they have. */
function RoleDialog({ role, onClose, onDone }: RoleDialogProps & { role?: Role }) {
  const { roles: says, common } = useText()
  const { client, user } = useAuth()
  const [permissions, setPermissions] = useState(role?.permissions ?? [])
  const choices = [...new Set([...(user?.permissions ?? []), ...(role?.permissions ?? [])])].sort()
  const form = useForm(
    async values => {
      const input = {
        name: values('name').trim(),
        description: values('description').trim() || null,
        permissions,
      }
      if (role) await client.request(UpdateRoleDocument, { name: role.name, input })
      else await client.request(CreateRoleDocument, { input })
      onDone(says.saved(input.name))
    },
    { inputs: ['name', 'description'], words: { CONFLICT: says.taken } },
  )
  return (
    <Dialog
      title={role ? says.changeOf(role.name) : says.create}
      onClose={onClose}
      form={form}
      action={common.save}
    >
      <TextInput
        name="name"
        label={common.displayName}
        description={says.nameHint}
        defaultValue={role?.name}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        maxLength={32}
        error={form.error('name')}
        data-autofocus
      />
      <TextInput
        name="description"
        label={`${says.description} (${common.optional})`}
        defaultValue={role?.description ?? ''}
        autoComplete="off"
        maxLength={200}
        error={form.error('description')}
      />
      <PermissionChoices choices={choices} value={permissions} onChange={setPermissions} />
    </Dialog>
  )
}

function DeleteDialog({ role, onClose, onDone }: RoleDialogProps & { role: Role }) {
  const { roles: says } = useText()
  const { client } = useAuth()
  const form = useForm(
    async () => {
      await client.request(DeleteRoleDocument, { name: role.name })
      onDone(says.deleted(role.name))
    },
    { inputs: [] },
  )
  return (
    <Dialog title={says.deleteTitle(role.name)} onClose={onClose} form={form} action={says.delete} danger>
      <Text fz={14}>{says.deleteLead}</Text>
    </Dialog>
  )
}
