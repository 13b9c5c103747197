import { NativeSelect, Text, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { AuthClient } from '../../client/index.ts'
import type { Values } from '../forms.ts'
import {
  ChangeRolesDocument,
  DeleteUserDocument,
  DisableUserDocument,
  EnableUserDocument,
  InviteAgainDocument,
  RolesOfDocument,
} from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import type { Messages } from '../locales/en.ts'
import type { Row } from './people-query.ts'
import { useRoles } from './role-choice.tsx'

/** What an administrator does to several people with one confirmation. */
export type BulkAction = {
  name: keyof Messages['bulk']['actions']
  permission: string
  danger?: boolean
  needsMail?: boolean
  /** Inputs of the confirmation. */
  Fields?: (props: { people: Row[]; error: (name: string) => string | undefined }) => ReactNode
  inputs?: string[]
  check?: (values: Values, people: Row[], text: Messages) => Record<string, string | undefined>
  run: (client: AuthClient, person: Row, values: Values) => Promise<unknown>
}

export const bulkActions: BulkAction[] = [
  {
    name: 'disable',
    permission: 'users:write',
    danger: true,
    Fields: ReasonField,
    inputs: ['reason'],
    run: (client, { id }, values) => {
      const reason = values('reason').trim()
      return client.request(DisableUserDocument, { id, ...(reason && { reason }) })
    },
  },
  {
    name: 'enable',
    permission: 'users:write',
    run: (client, { id }) => client.request(EnableUserDocument, { id }),
  },
  {
    name: 'roles',
    permission: 'roles:write',
    Fields: RoleFields,
    run: changeRoles,
  },
  {
    name: 'invite',
    permission: 'users:write',
    needsMail: true,
    run: (client, { id }) => client.request(InviteAgainDocument, { id }),
  },
  {
    name: 'delete',
    permission: 'users:delete',
    danger: true,
    Fields: CountField,
    inputs: ['count'],
    check: (values, people, { bulk }) => ({
      count: values('count').trim() === String(people.length) ? undefined : bulk.countMismatch,
    }),
    run: (client, { id }) => client.request(DeleteUserDocument, { id }),
  },
]

function ReasonField({ error }: { error: (name: string) => string | undefined }) {
  const { user: says, common } = useText()
  return (
    <TextInput
      name="reason"
      label={`${says.reason} (${common.optional})`}
      description={says.reasonHint}
      maxLength={500}
      error={error('reason')}
      data-autofocus
    />
  )
}

function CountField({ people, error }: { people: Row[]; error: (name: string) => string | undefined }) {
  const { bulk } = useText()
  return (
    <TextInput
      name="count"
      label={bulk.countType(people.length)}
      inputMode="numeric"
      autoComplete="off"
      error={error('count')}
      data-autofocus
    />
  )
}

const fieldOf = (role: string) => `role ${role}`

/** For each role: leave it as it is, add it or remove it. */
function RoleFields() {
  const { bulk } = useText()
  const roles = useRoles()
  return (
    <>
      {(roles.data ?? []).map(({ name }) => (
        <NativeSelect
          key={name}
          name={fieldOf(name)}
          label={name}
          data={[
            { value: '', label: bulk.roleKeep },
            { value: 'add', label: bulk.roleAdd },
            { value: 'remove', label: bulk.roleRemove },
          ]}
        />
      ))}
      {roles.data?.length === 0 && <Text fz={14}>{bulk.roleKeep}</Text>}
    </>
  )
}

/** Reads the roles anew, because someone else may have changed them since they were listed, and never overwrites a change. */
async function changeRoles(client: AuthClient, { id }: Row, values: Values): Promise<void> {
  const { user, roles: all } = await client.request(RolesOfDocument, { id })
  const before = user?.roles ?? []
  const after = all
    .map(({ name }) => name)
    .filter(name => {
      const change = values(fieldOf(name))
      return change === '' ? before.includes(name) : change === 'add'
    })
  const same = after.length === before.length && after.every(name => before.includes(name))
  if (same || !user) return
  await client.request(ChangeRolesDocument, { id, roles: after, expectedUpdatedAt: user.updatedAt })
}
