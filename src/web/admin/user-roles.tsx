import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { SetUserRolesDocument } from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import { ConflictNotice } from './conflict-notice.tsx'
import { type Editable, isSame, saveGuarded, useBase } from './guarded-save.ts'
import { RoleChecklist, useRoles } from './role-choice.tsx'
import type { UserPanelProps } from './user-details.ts'

export function UserRoles({ user, reload }: UserPanelProps) {
  const { user: says, common } = useText()
  const { client, user: viewer } = useAuth()
  const query = useRoles()
  const [roles, setRoles] = useState(user.roles)
  const [saved, setSaved] = useState(false)
  const [asking, setAsking] = useState(false)
  const base = useBase(user, values => !isSame([...values.roles].sort(), [...roles].sort()))
  // The checkboxes follow whenever the form is filled again.
  const [filled, setFilled] = useState(base.fill)
  if (filled !== base.fill) {
    setFilled(base.fill)
    setRoles(base.values.roles)
  }
  const isOwn = viewer?.id === user.id
  const lost = isOwn ? removedRoles(base.values, roles, query.data ?? []) : []
  const save = () =>
    base.guard(async () => {
      setSaved(false)
      setAsking(false)
      const { setUserRoles } = await saveGuarded(base.values, ['roles'], expectedUpdatedAt =>
        client.request(SetUserRolesDocument, { id: user.id, roles, expectedUpdatedAt }),
      )
      base.refill(setUserRoles)
      setSaved(true)
      // The viewer may have lost this page with the role.
      if (isOwn) await client.me()
      await reload()
    })
  const form = useForm(async () => (lost.length > 0 ? setAsking(true) : save()), { inputs: [] })
  const confirmation = useForm(save, { inputs: [] })
  const problem = form.problem ?? confirmation.problem
  return (
    <Panel title={says.rolesTitle} lead={says.rolesLead}>
      <form onSubmit={form.onSubmit} className="stack">
        <RoleChecklist query={query} value={roles} onChange={setRoles} unlabelled />
        <Notice kind="problem">{problem}</Notice>
        <ConflictNotice base={base} />
        <Notice kind="success">{saved && !problem && !base.conflict && says.rolesSaved}</Notice>
        <Button
          type="submit"
          variant="default"
          loading={form.busy || confirmation.busy}
          style={{ alignSelf: 'flex-start' }}
        >
          {common.save}
        </Button>
      </form>
      {asking && (
        <Dialog
          title={says.ownRolesTitle(lost.join(', '))}
          onClose={() => setAsking(false)}
          form={confirmation}
          action={says.ownRolesAction}
          danger
        >
          <Text fz={14}>{says.ownRolesLead}</Text>
        </Dialog>
      )}
    </Panel>
  )
}

type Role = { name: string; permissions: string[] }

/** The roles with permissions that a change removes. */
function removedRoles({ roles: before }: Editable, after: string[], known: Role[]): string[] {
  return before.filter(name => {
    const role = known.find(each => each.name === name)
    return !after.includes(name) && role !== undefined && role.permissions.length > 0
  })
}
