import { Button } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { useHistoryState } from 'wouter/use-browser-location'
import { useAuth } from '../../client/react.ts'
import { csvTime } from '../csv.ts'
import { UserListDocument } from '../generated/graphql.ts'
import { PlusIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { Frame } from '../parts/frame.tsx'
import { Notice } from '../parts/notice.tsx'
import { useQuery } from '../use-query.ts'
import { BulkBar, useBulkActions } from './bulk-bar.tsx'
import { CsvExport } from './csv-export.tsx'
import { ListPanel } from './list-panel.tsx'
import { type ListState, useListState } from './list-state.ts'
import { PageHead } from './page-head.tsx'
import { PeopleFilters } from './people-filters.tsx'
import { everyRow, type Row, selectionOf, takeKnownPeople } from './people-query.ts'
import { PeopleTable } from './people-table.tsx'
import { useSelection } from './use-selection.ts'

const Invite = lazy(() => import('./invite.tsx').then(({ Invite }) => ({ default: Invite })))
const InviteMany = lazy(() => import('./invite-many.tsx').then(({ InviteMany }) => ({ default: InviteMany })))

export { preparePeople } from './people-query.ts'

/** The list of people. */
export function Users() {
  const { users: says, user: ofUser, bulk } = useText()
  const { client, user } = useAuth()
  const deleted = useHistoryState<{ deleted?: string } | null>()?.deleted
  const state = useListState()
  const [inviting, setInviting] = useState<'one' | 'many'>()
  const [sent, setSent] = useState<string>()
  const [changed, setChanged] = useState<string>()
  const actions = useBulkActions()
  const selection = useSelection<Row>(JSON.stringify(selectionOf(state).filter))
  const [known] = useState(() => takeKnownPeople(state.key))
  const query = useQuery(
    state.key,
    async () => {
      const { users } = await client.request(UserListDocument, { ...state.page, ...selectionOf(state) })
      return users
    },
    known,
  )
  const reload = () => void query.reload()
  const total = query.data?.totalCount ?? 0
  const mayChange = actions.length > 0
  return (
    <Frame>
      <PageHead title={says.title} lead={query.data ? says.total(total) : ''}>
        <PeopleExport state={state} />
        {settings.mail && user?.permissions.includes('users:write') && (
          <Button
            leftSection={<PlusIcon size={16} />}
            data-needs="users:write"
            onClick={() => setInviting('one')}
          >
            {says.invite}
          </Button>
        )}
      </PageHead>
      <Notice kind="mail">{sent}</Notice>
      <Notice kind="success">{changed ?? (deleted && ofUser.deletedDone(deleted))}</Notice>
      <PeopleFilters state={state} />
      {mayChange && (
        <BulkBar
          selection={selection}
          total={total}
          everyone={() => everyRow(client, state)}
          onDone={message => {
            setChanged(message)
            reload()
          }}
        />
      )}
      <ListPanel query={query} state={state} empty={{ title: says.empty, lead: says.emptyLead }}>
        {people => (
          <PeopleTable people={people} state={state} selection={mayChange ? selection : undefined} />
        )}
      </ListPanel>
      <Suspense fallback={null}>
        {inviting === 'one' && (
          <Invite
            onClose={() => setInviting(undefined)}
            onMany={() => setInviting('many')}
            onInvited={email => {
              setInviting(undefined)
              setSent(says.invited(email))
              reload()
            }}
          />
        )}
        {inviting === 'many' && (
          <InviteMany
            onClose={() => setInviting(undefined)}
            onDone={message => {
              setInviting(undefined)
              setSent(message ?? bulk.invitedSome)
              reload()
            }}
          />
        )}
      </Suspense>
    </Frame>
  )
}

function PeopleExport({ state }: { state: ListState }) {
  const { users: says, common, csv, user: ofUser } = useText()
  const { client } = useAuth()
  const status = (row: Row) => {
    if (row.disabledAt) return says.disabled
    return row.emailVerified ? says.active : says.unverified
  }
  return (
    <CsvExport
      name={csv.peopleFile}
      pages={() => everyRow(client, state, { exported: true })}
      head={[
        common.displayName,
        common.username,
        common.email,
        says.state,
        says.roles,
        csv.utc(says.created),
        csv.utc(says.lastLogin),
        csv.utc(says.disabled),
        ofUser.id,
      ]}
      row={row => [
        row.displayName ?? '',
        row.username ?? '',
        row.email,
        status(row),
        row.roles.join(', '),
        csvTime(row.createdAt),
        csvTime(row.lastLoginAt),
        csvTime(row.disabledAt),
        row.id,
      ]}
    />
  )
}
