import { Button } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { SetUserRolesDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { RoleChoice } from './role-choice.tsx'
import type { UserPanelProps } from './user-details.ts'

export function UserRoles({ user, reload }: UserPanelProps) {
  const { user: says, common } = useText()
  const { client } = useAuth()
  const [roles, setRoles] = useState(user.roles)
  const [saved, setSaved] = useState(false)
  const form = useForm(
    async () => {
      setSaved(false)
      await client.request(SetUserRolesDocument, { id: user.id, roles })
      setSaved(true)
      await reload()
    },
    { inputs: [] },
  )
  return (
    <Panel title={says.rolesTitle} lead={says.rolesLead}>
      <form onSubmit={form.onSubmit} className="stack">
        <RoleChoice value={roles} onChange={setRoles} unlabelled />
        <Notice kind="problem">{form.problem}</Notice>
        <Notice kind="success">{saved && !form.problem && says.rolesSaved}</Notice>
        <Button type="submit" variant="default" loading={form.busy} style={{ alignSelf: 'flex-start' }}>
          {common.save}
        </Button>
      </form>
    </Panel>
  )
}
