import { Anchor, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { UserPageDocument } from '../generated/graphql.ts'
import { BackIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Missing } from '../parts/card-page.tsx'
import { Frame, NavLink } from '../parts/frame.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Answer } from '../parts/panel.tsx'
import { ZoneNote } from '../parts/session-rows.tsx'
import { useQuery } from '../use-query.ts'
import { Metadata } from './metadata.tsx'
import { nameOf } from './names.tsx'
import { StateTag } from './person.tsx'
import { UserActivity } from './user-activity.tsx'
import { UserApiKeys } from './user-api-keys.tsx'
import type { UserPanelProps } from './user-details.ts'
import { UserOverview } from './user-overview.tsx'
import { UserSessions } from './user-sessions.tsx'

const TABS = ['overview', 'devices', 'activity', 'data'] as const
type Tab = (typeof TABS)[number]

/** The page of one account in the console. */
export function User({ id, tab = 'overview' }: { id: string; tab?: string | undefined }) {
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
  const open = TABS.find(name => name === tab)
  if (!open) return <Missing />
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
        {({ user }) => (user ? <UserTabs user={user} reload={query.reload} open={open} /> : <UserNotFound />)}
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

function UserTabs({ user, reload: reloadUser, open }: UserPanelProps & { open: Tab }) {
  const { user: says } = useText()
  const { user: viewer } = useAuth()
  const [changes, setChanges] = useState(0)
  const reload = async () => {
    await reloadUser()
    setChanges(count => count + 1)
  }
  const may = (permission: string) => viewer?.permissions.includes(permission) === true
  const shown = TABS.filter(tab => tab !== 'activity' || may('audit:read'))
  const panel = { user, reload, manage: may('users:write') }
  const name = nameOf(user)
  const others = [user.username && `@${user.username}`, user.email].filter(other => other && other !== name)
  return (
    <Stack gap={24}>
      <div>
        <Group gap={14}>
          <PageTitle
            about={user.id}
            tab={`${says.tabs[open]} · ${name}`}
            style={{ overflowWrap: 'anywhere' }}
          >
            {name}
          </PageTitle>
          <StateTag user={user} />
          {viewer?.id === user.id && (
            <Text c="dimmed" fz={14}>
              {says.yourself}
            </Text>
          )}
        </Group>
        <Text c="dimmed" fz={14} style={{ overflowWrap: 'anywhere' }}>
          {others.join(' · ')}
        </Text>
      </div>
      <nav className="tabs" aria-label={name}>
        {shown.map(tab => (
          <NavLink
            key={tab}
            href={tab === 'overview' ? `/users/${user.id}` : `/users/${user.id}/${tab}`}
            exact
          >
            {says.tabs[tab]}
          </NavLink>
        ))}
      </nav>
      {open === 'overview' && <UserOverview {...panel} />}
      {open === 'devices' && <UserSessions {...panel} />}
      {open === 'devices' && <UserApiKeys {...panel} />}
      {open === 'activity' && may('audit:read') && <UserActivity id={user.id} changes={changes} />}
      {open === 'data' && <Metadata {...panel} />}
      <Group justify="flex-end">
        <ZoneNote />
      </Group>
    </Stack>
  )
}
