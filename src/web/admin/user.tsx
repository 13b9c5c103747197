import { Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import {
  AuditPageDocument,
  DeleteUserDocument,
  DisableUserDocument,
  EnableUserDocument,
  RevokeUserSessionsDocument,
  SetUserRolesDocument,
  UserPageDocument,
  type UserPageQuery,
} from '../generated/graphql.ts'
import { BackIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Frame } from '../parts/frame.tsx'
import { Notice } from '../parts/notice.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Answer, Empty, Panel } from '../parts/panel.tsx'
import { SessionRows, ZoneNote } from '../parts/session-rows.tsx'
import { useTimes } from '../times.ts'
import { useQuery } from '../use-query.ts'
import { AuditTable } from './audit-table.tsx'
import { Metadata } from './metadata.tsx'
import { nameOf, StateTag } from './person.tsx'
import { RoleChoice } from './role-choice.tsx'

type Subject = NonNullable<UserPageQuery['user']>
type PartProps = { user: Subject; reload: () => Promise<void> }

const LATEST = 10

/** One account, for whoever manages them. */
export function User({ id }: { id: string }) {
  const { user: says } = useText()
  const { client, user: viewer } = useAuth()
  const query = useQuery(id, async () => {
    try {
      return await client.request(UserPageDocument, { id })
    } catch (error) {
      if (error instanceof AuthError && error.code === 'NOT_FOUND') return { user: null }
      throw error
    }
  })
  // What is done here is soon in the audit log.
  const [changes, setChanges] = useState(0)
  const reload = async () => {
    await query.reload()
    setChanges(count => count + 1)
  }
  const may = (permission: string) => viewer?.permissions.includes(permission)
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
        {({ user }) =>
          user === null ? (
            <>
              <PageTitle>{says.missing}</PageTitle>
              <Text c="dimmed" mt={8}>
                {says.missingLead}
              </Text>
            </>
          ) : (
            <Stack gap={24}>
              <Group gap={14}>
                <PageTitle style={{ overflowWrap: 'anywhere' }}>{nameOf(user)}</PageTitle>
                <StateTag user={user} />
                {viewer?.id === user.id && (
                  <Text c="dimmed" fz={14}>
                    {says.yourself}
                  </Text>
                )}
              </Group>
              <div className="two">
                <Facts user={user} />
                {may('roles:write') ? <Roles user={user} reload={reload} /> : null}
              </div>
              <SessionsOf user={user} reload={reload} manage={may('users:write') === true} />
              <Metadata user={user} reload={reload} manage={may('users:write') === true} />
              {may('audit:read') && <History id={user.id} changes={changes} />}
              {(may('users:write') || may('users:delete')) && viewer?.id !== user.id && (
                <Access user={user} reload={reload} />
              )}
              <Group justify="flex-end">
                <ZoneNote />
              </Group>
            </Stack>
          )
        }
      </Answer>
    </Frame>
  )
}

function Facts({ user }: { user: Subject }) {
  const { user: says, users, common } = useText()
  const times = useTimes()
  const rows = {
    [common.email]: user.email,
    [common.username]: user.username ?? common.none,
    [says.language]: user.locale,
    [users.roles]: user.roles.join(', ') || common.none,
    [users.created]: times.whole(user.createdAt),
    [users.lastLogin]: user.lastLoginAt ? times.whole(user.lastLoginAt) : common.never,
    [says.passwordChanged]: user.passwordChangedAt ? times.whole(user.passwordChangedAt) : common.never,
    [says.id]: user.id,
  }
  return (
    <Panel title={says.facts}>
      <dl className="facts">
        {Object.entries(rows).map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}

function Roles({ user, reload }: PartProps) {
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

function SessionsOf({ user, reload, manage }: PartProps & { manage: boolean }) {
  const { user: says, sessions } = useText()
  const { client } = useAuth()
  const [ended, setEnded] = useState<number>()
  const form = useForm(
    async () => {
      const { revokeUserSessions } = await client.request(RevokeUserSessionsDocument, { id: user.id })
      setEnded(revokeUserSessions)
      await reload()
    },
    { inputs: [] },
  )
  const none = user.sessions.length === 0
  return (
    <Panel
      title={sessions.title}
      lead={none ? says.sessionsNone : undefined}
      aside={
        manage &&
        !none && (
          <form onSubmit={form.onSubmit}>
            <Button type="submit" size="xs" variant="default" loading={form.busy}>
              {says.signOutAll}
            </Button>
          </form>
        )
      }
      list={!none && <SessionRows sessions={user.sessions} />}
    >
      {(form.problem || ended !== undefined) && (
        <>
          <Notice kind="problem">{form.problem}</Notice>
          <Notice kind="success">{!form.problem && ended !== undefined && says.signedOutAll(ended)}</Notice>
        </>
      )}
    </Panel>
  )
}

function History({ id, changes }: { id: string; changes: number }) {
  const { user: says, audit } = useText()
  const { client } = useAuth()
  const query = useQuery(`${id} ${changes}`, async () => {
    const { auditLog } = await client.request(AuditPageDocument, {
      first: LATEST,
      filter: { subjectId: id },
      // Whoever sees this page may read accounts whole.
      emails: true,
    })
    return auditLog.nodes
  })
  return (
    <Panel
      title={says.auditTitle}
      aside={
        <Anchor component={Link} href={`/audit?subject=${id}`} fz={14} underline="always">
          {says.auditAll}
        </Anchor>
      }
      list={
        <Answer query={query}>
          {events =>
            events.length === 0 ? (
              <Empty title={audit.empty} lead="" />
            ) : (
              <AuditTable events={events} subject={false} />
            )
          }
        </Answer>
      }
    />
  )
}

function Access({ user, reload }: PartProps) {
  const { user: says } = useText()
  const { client, user: viewer } = useAuth()
  const times = useTimes()
  const [asking, setAsking] = useState<'disable' | 'delete'>()
  const [done, setDone] = useState<string>()
  const enabling = useForm(
    async () => {
      await client.request(EnableUserDocument, { id: user.id })
      setDone(says.enabledDone)
      await reload()
    },
    { inputs: [] },
  )
  const may = (permission: string) => viewer?.permissions.includes(permission)
  return (
    <Panel title={says.dangerTitle} danger>
      <Notice kind="problem">{enabling.problem}</Notice>
      <Notice kind="success">{!enabling.problem && done}</Notice>
      {may('users:write') &&
        (user.disabledAt ? (
          <form onSubmit={enabling.onSubmit} style={{ maxWidth: 'none' }}>
            <Choice lead={`${says.disabledSince(times.moment(user.disabledAt))} ${says.enableLead}`}>
              <Button type="submit" variant="default" loading={enabling.busy}>
                {says.enable}
              </Button>
            </Choice>
          </form>
        ) : (
          <Choice lead={says.disableLead}>
            <Button variant="default" onClick={() => setAsking('disable')}>
              {says.disable}
            </Button>
          </Choice>
        ))}
      {may('users:delete') && (
        <Choice lead={says.deleteLead}>
          <Button color="red" variant="light" onClick={() => setAsking('delete')}>
            {says.delete}
          </Button>
        </Choice>
      )}
      {asking === 'disable' && (
        <DisableDialog
          user={user}
          onClose={() => setAsking(undefined)}
          onDone={() => {
            setAsking(undefined)
            setDone(says.disabledDone)
            void reload()
          }}
        />
      )}
      {asking === 'delete' && <DeleteDialog user={user} onClose={() => setAsking(undefined)} />}
    </Panel>
  )
}

function Choice({ lead, children }: { lead: string; children: ReactNode }) {
  return (
    <Group justify="space-between" gap="sm">
      <Text fz={14} style={{ flex: '1 1 300px' }}>
        {lead}
      </Text>
      {children}
    </Group>
  )
}

type AskingProps = { user: Subject; onClose: () => void }

function DisableDialog({ user, onClose, onDone }: AskingProps & { onDone: () => void }) {
  const { user: says, common } = useText()
  const { client } = useAuth()
  const form = useForm(
    async values => {
      const reason = values('reason').trim()
      await client.request(DisableUserDocument, { id: user.id, ...(reason && { reason }) })
      onDone()
    },
    { inputs: ['reason'] },
  )
  return (
    <Dialog
      title={says.disableTitle(nameOf(user))}
      onClose={onClose}
      form={form}
      action={says.disable}
      danger
    >
      <Text fz={14}>{says.disableLead}</Text>
      <TextInput
        name="reason"
        label={`${says.reason} (${common.optional})`}
        description={says.reasonHint}
        maxLength={200}
        error={form.error('reason')}
        data-autofocus
      />
    </Dialog>
  )
}

function DeleteDialog({ user, onClose }: AskingProps) {
  const { user: says } = useText()
  const { client } = useAuth()
  const [, navigate] = useLocation()
  const form = useForm(
    async () => {
      await client.request(DeleteUserDocument, { id: user.id })
      navigate('/users', { state: { deleted: nameOf(user) } })
    },
    {
      inputs: ['email'],
      check: values => ({
        email: values('email').trim() === user.email ? undefined : says.deleteMismatch,
      }),
    },
  )
  return (
    <Dialog title={says.deleteTitle(nameOf(user))} onClose={onClose} form={form} action={says.delete} danger>
      <Text fz={14}>{says.deleteLead}</Text>
      <TextInput
        name="email"
        label={says.deleteType(user.email)}
        autoComplete="off"
        spellCheck={false}
        error={form.error('email')}
        data-autofocus
      />
    </Dialog>
  )
}
