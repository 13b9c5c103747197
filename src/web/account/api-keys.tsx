import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import type { ApiKey, ApiKeyCreated, User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { CodeIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { Answer, Panel } from '../parts/panel.tsx'
import { Tag } from '../parts/tag.tsx'
import { useTimes } from '../times.ts'
import { useQuery } from '../use-query.ts'
import { NewApiKey, NewApiKeySecret } from './new-api-key.tsx'

/** The keys with which programs act as the user. */
export function ApiKeys({ user }: { user: User }) {
  const { apiKeys: says } = useText()
  const { client } = useAuth()
  const query = useQuery('api-keys', client.apiKeys.list)
  const { withRecentSignIn, dialog } = useRecentSignIn()
  const [creating, setCreating] = useState(false)
  const [created, setCreated] = useState<ApiKeyCreated>()
  const [deleting, setDeleting] = useState<ApiKey>()
  const [done, setDone] = useState<string>()
  return (
    <Panel
      title={says.title}
      lead={says.lead}
      list={
        <Answer query={query}>
          {keys =>
            keys.length > 0 && (
              <ul className="rows">
                {keys.map(key => (
                  <Row key={key.id} apiKey={key} onDelete={() => setDeleting(key)} />
                ))}
              </ul>
            )
          }
        </Answer>
      }
    >
      {!user.emailVerified && <Notice kind="mail">{says.unverified}</Notice>}
      <Notice kind="success">{done}</Notice>
      <div>
        <Button
          disabled={!user.emailVerified}
          onClick={() => {
            setDone(undefined)
            setCreating(true)
          }}
        >
          {says.create}
        </Button>
      </div>
      {creating && (
        <NewApiKey
          withRecentSignIn={withRecentSignIn}
          onClose={() => setCreating(false)}
          onCreated={key => {
            setCreating(false)
            setCreated(key)
            void query.reload()
          }}
        />
      )}
      {created && <NewApiKeySecret created={created} onDone={() => setCreated(undefined)} />}
      {deleting && (
        <DeleteApiKey
          apiKey={deleting}
          onClose={() => setDeleting(undefined)}
          onDeleted={() => {
            setDeleting(undefined)
            setDone(says.deleted(deleting.name))
            void query.reload()
          }}
        />
      )}
      {dialog}
    </Panel>
  )
}

function Row({ apiKey, onDelete }: { apiKey: ApiKey; onDelete: () => void }) {
  const { apiKeys: says } = useText()
  const times = useTimes()
  const { name, prefix, permissions, createdAt, expiresAt, lastUsedAt } = apiKey
  const expired = expiresAt !== null && Date.parse(expiresAt) <= Date.now()
  return (
    <li>
      <span className="row-icon">
        <CodeIcon />
      </span>
      <div className="grow">
        <Text fw={550} fz={15} component="div" style={{ overflowWrap: 'anywhere' }}>
          {name} {expired && <Tag>{says.expired}</Tag>}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5} style={{ overflowWrap: 'anywhere' }}>
          <code>{prefix}…</code> · {permissions.length > 0 ? permissions.join(', ') : says.noPermissions}
        </Text>
        <Text fz={13} c="dimmed" lh={1.5}>
          {[
            says.added(times.day(createdAt)),
            expiresAt === null ? says.endless : says.until(times.day(expiresAt)),
            lastUsedAt === null ? says.unused : says.used(times.moment(lastUsedAt)),
          ].join(' · ')}
        </Text>
      </div>
      <div className="row-actions">
        <Button size="xs" variant="default" aria-label={says.deleteOf(name)} onClick={onDelete}>
          {says.delete}
        </Button>
      </div>
    </li>
  )
}

type DeleteProps = { apiKey: ApiKey; onClose: () => void; onDeleted: () => void }

function DeleteApiKey({ apiKey, onClose, onDeleted }: DeleteProps) {
  const { apiKeys: says } = useText()
  const { client } = useAuth()
  const form = useForm(
    async () => {
      await client.apiKeys.delete(apiKey.id)
      onDeleted()
    },
    { inputs: [] },
  )
  return (
    <Dialog title={says.deleteTitle(apiKey.name)} onClose={onClose} form={form} action={says.delete} danger>
      <Text fz={14}>{says.deleteLead}</Text>
    </Dialog>
  )
}
