import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import type { ApiKey, ApiKeyCreated, User } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import { useText } from '../language.tsx'
import { ApiKeyRow } from '../parts/api-key-row.tsx'
import { useRecentSignIn } from '../parts/confirm-identity.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { Answer, Panel } from '../parts/panel.tsx'
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
                  <ApiKeyRow
                    key={key.id}
                    apiKey={key}
                    action={
                      <Button
                        size="xs"
                        variant="default"
                        aria-label={says.deleteOf(key.name)}
                        onClick={() => setDeleting(key)}
                      >
                        {says.delete}
                      </Button>
                    }
                  />
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
