import { Anchor, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { UserPageDocument } from '../generated/graphql.ts'
import { BackIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Frame } from '../parts/frame.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Answer } from '../parts/panel.tsx'
import { ZoneNote } from '../parts/session-rows.tsx'
import { useQuery } from '../use-query.ts'
import { Metadata } from './metadata.tsx'
import { nameOf, StateTag } from './person.tsx'
import { UserAccess } from './user-access.tsx'
import { UserActivity } from './user-activity.tsx'
import type { UserDetails } from './user-details.ts'
import { UserOverview } from './user-overview.tsx'
import { UserRoles } from './user-roles.tsx'
import { UserSessions } from './user-sessions.tsx'

/** The page of one account in the console. */
export function User({ id }: { id: string }) {
  const { user: says } = useText()
  const { client } = useAuth()
  const query = useQuery(id, async () => {
    try {
      return await client.request(UserPageDocument, { id })
    } catch (error) {
      if (error instanceof AuthError && error.code === 'NOT_FOUND') return { user: null }
      throw error
    }
  })
  return (
    <Frame>
      <Anchor
        component={Link}
        href="/users"
        c="dimmed"
        fz={14}
        style={{ display: 'inline-flex', alignItems: 'center', gap: 6 }}
        mb={14}
      >
        <BackIcon size={16} />
        {says.back}
      </Anchor>
      <Answer query={query} lines={8}>
        {({ user }) => (user ? <UserPanels user={user} reload={query.reload} /> : <UserNotFound />)}
      </Answer>
    </Frame>
  )
}

function UserNotFound() {
  const { user: says } = useText()
  return (
    <>
      <PageTitle>{says.missing}</PageTitle>
      <Text c="dimmed" mt={8}>
        {says.missingLead}
      </Text>
    </>
  )
}

type UserPanelsProps = { user: UserDetails; reload: () => Promise<void> }

function UserPanels({ user, reload: reloadUser }: UserPanelsProps) {
  const { user: says } = useText()
  const { user: viewer } = useAuth()
  const [changes, setChanges] = useState(0)
  const reload = async () => {
    await reloadUser()
    setChanges(count => count + 1)
  }
  const may = (permission: string) => viewer?.permissions.includes(permission) === true
  const isOwn = viewer?.id === user.id
  return (
    <Stack gap={24}>
      <Group gap={14}>
        <PageTitle style={{ overflowWrap: 'anywhere' }}>{nameOf(user)}</PageTitle>
        <StateTag user={user} />
        {isOwn && (
          <Text c="dimmed" fz={14}>
            {says.yourself}
          </Text>
        )}
      </Group>
      <div className="two">
        <UserOverview user={user} reload={reload} manage={may('users:write')} />
        {may('roles:write') && <UserRoles user={user} reload={reload} />}
      </div>
      <UserSessions user={user} reload={reload} manage={may('users:write')} />
      <Metadata user={user} reload={reload} manage={may('users:write')} />
      {may('audit:read') && <UserActivity id={user.id} changes={changes} />}
      {(may('users:write') || may('users:delete')) && !isOwn && <UserAccess user={user} reload={reload} />}
      <Group justify="flex-end">
        <ZoneNote />
      </Group>
    </Stack>
  )
}
