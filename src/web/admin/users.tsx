import { Button, Group, NativeSelect, Table, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'
import { useHistoryState } from 'wouter/use-browser-location'
import { useAuth } from '../../client/react.ts'
import { type UserFilter, UserListDocument, type UserOrder } from '../generated/graphql.ts'
import { PlusIcon, SearchIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Frame } from '../parts/frame.tsx'
import { Moment } from '../parts/moment.tsx'
import { Notice } from '../parts/notice.tsx'
import { Tag } from '../parts/tag.tsx'
import { useQuery } from '../use-query.ts'
import { Invite } from './invite.tsx'
import { ListPanel } from './list-panel.tsx'
import { type ListState, useListState } from './list-state.ts'
import { ListTable } from './list-table.tsx'
import { PageHead } from './page-head.tsx'
import { Person, StateTag } from './person.tsx'
import { useRoles } from './role-choice.tsx'

const SEARCH_DELAY_MS = 300

const ORDERS = {
  newest: { field: 'CREATED_AT', direction: 'DESC' },
  oldest: { field: 'CREATED_AT', direction: 'ASC' },
  byEmail: { field: 'EMAIL', direction: 'ASC' },
  lastSeen: { field: 'LAST_LOGIN_AT', direction: 'DESC' },
} as const satisfies Record<string, UserOrder>

const STATES = {
  active: { disabled: false },
  disabled: { disabled: true },
  unverified: { emailVerified: false },
} as const satisfies Record<string, UserFilter>

export function Users() {
  const { users: says, user: ofUser } = useText()
  const { client, user } = useAuth()
  const deleted = useHistoryState<{ deleted?: string } | null>()?.deleted
  const state = useListState()
  const [inviting, setInviting] = useState(false)
  const [invited, setInvited] = useState<string>()
  const query = useQuery(state.key, async () => {
    const { users } = await client.request(UserListDocument, {
      ...state.page,
      filter: filterOf(state),
      orderBy: ORDERS[state.get('order') as keyof typeof ORDERS] ?? ORDERS.newest,
    })
    return users
  })
  return (
    <Frame>
      <PageHead title={says.title} lead={query.data ? says.total(query.data.totalCount) : ''}>
        {settings.mail && user?.permissions.includes('users:write') && (
          <Button leftSection={<PlusIcon size={16} />} onClick={() => setInviting(true)}>
            {says.invite}
          </Button>
        )}
      </PageHead>
      <Notice kind="mail">{invited && says.invited(invited)}</Notice>
      <Notice kind="success">{deleted && ofUser.deletedDone(deleted)}</Notice>
      <Filters state={state} />
      <ListPanel query={query} state={state} empty={{ title: says.empty, lead: says.emptyLead }}>
        {people => <UserTable users={people} />}
      </ListPanel>
      {inviting && (
        <Invite
          onClose={() => setInviting(false)}
          onInvited={email => {
            setInviting(false)
            setInvited(email)
            void query.reload()
          }}
        />
      )}
    </Frame>
  )
}

function filterOf(state: ListState): UserFilter {
  const [search, role] = [state.get('search'), state.get('role')]
  return {
    ...(search && { search }),
    ...(role && { role }),
    ...STATES[state.get('state') as keyof typeof STATES],
  }
}

function Filters({ state }: { state: ListState }) {
  const { users: says } = useText()
  const roles = useRoles()
  const search = useSearchField(state)
  const select = (name: string) => ({
    value: state.get(name),
    onChange: (event: { currentTarget: HTMLSelectElement }) =>
      state.set({ [name]: event.currentTarget.value }),
  })
  return (
    <search className="filters">
      <TextInput type="search" label={says.search} {...search} leftSection={<SearchIcon size={16} />} />
      <NativeSelect
        label={says.role}
        data={[{ value: '', label: says.anyRole }, ...(roles.data ?? []).map(({ name }) => name)]}
        {...select('role')}
      />
      <NativeSelect
        label={says.state}
        data={[
          { value: '', label: says.anyState },
          ...(['active', 'disabled', 'unverified'] as const).map(value => ({ value, label: says[value] })),
        ]}
        {...select('state')}
      />
      <NativeSelect
        label={says.order}
        data={(['newest', 'oldest', 'byEmail', 'lastSeen'] as const).map(value => ({
          value: value === 'newest' ? '' : value,
          label: says[value],
        }))}
        {...select('order')}
      />
    </search>
  )
}

/** Puts what is typed into the address after a pause, and shows what comes from there, such as after going back. */
function useSearchField(state: ListState) {
  const shown = state.get('search')
  const [typed, setTyped] = useState(shown)
  const sent = useRef(shown)
  useEffect(() => {
    if (shown === sent.current) return
    sent.current = shown
    setTyped(shown)
  }, [shown])
  const send = useDebouncedCallback((text: string) => {
    sent.current = text.trim()
    state.set({ search: sent.current })
  }, SEARCH_DELAY_MS)
  return {
    value: typed,
    onChange: (event: { currentTarget: HTMLInputElement }) => {
      setTyped(event.currentTarget.value)
      send(event.currentTarget.value)
    },
  }
}

type Row = {
  id: string
  email: string
  emailVerified: boolean
  username: string | null
  displayName: string | null
  roles: string[]
  createdAt: string
  lastLoginAt: string | null
  disabledAt: string | null
}

function UserTable({ users }: { users: Row[] }) {
  const { users: says, common } = useText()
  return (
    <ListTable highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{says.person}</Table.Th>
          <Table.Th scope="col">{says.state}</Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            {says.roles}
          </Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            {says.lastLogin}
          </Table.Th>
          <Table.Th scope="col" visibleFrom="md">
            {says.created}
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {users.map(user => (
          <Table.Tr key={user.id}>
            <Table.Td>
              <Person user={user} />
            </Table.Td>
            <Table.Td>
              <StateTag user={user} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              <Group gap={6}>
                {user.roles.map(role => (
                  <Tag key={role}>{role}</Tag>
                ))}
              </Group>
            </Table.Td>
            <Table.Td visibleFrom="sm" style={{ whiteSpace: 'nowrap' }}>
              {user.lastLoginAt ? <Moment at={user.lastLoginAt} /> : common.never}
            </Table.Td>
            <Table.Td visibleFrom="md" style={{ whiteSpace: 'nowrap' }}>
              <Moment at={user.createdAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ListTable>
  )
}
