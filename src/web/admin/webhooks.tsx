import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { WebhooksDocument, type WebhooksQuery } from '../generated/graphql.ts'
import { PlusIcon } from '../icons.tsx'
import { useText } from '../language.tsx'
import { Frame } from '../parts/frame.tsx'
import { Notice } from '../parts/notice.tsx'
import { Answer, Empty } from '../parts/panel.tsx'
import { Tag } from '../parts/tag.tsx'
import { useQuery } from '../use-query.ts'
import { PageHead } from './page-head.tsx'
import { DeleteWebhookDialog, RotateSecretDialog, SecretDialog, WebhookDialog } from './webhook-dialogs.tsx'
import { FailedDeliveries } from './webhook-failures.tsx'

export type Webhook = WebhooksQuery['webhooks'][number]

type Asking = { what: 'create' } | { what: 'change' | 'rotate' | 'delete'; webhook: Webhook }

/** The webhooks of this server, and the events that could not be delivered. */
export function Webhooks() {
  const { webhooks: says } = useText()
  const { client } = useAuth()
  const query = useQuery('webhooks', async () => (await client.request(WebhooksDocument)).webhooks)
  const [asking, setAsking] = useState<Asking>()
  const [done, setDone] = useState<string>()
  const [secret, setSecret] = useState<string>()
  const dialog = {
    onClose: () => setAsking(undefined),
    onDone: (told: string, created?: string) => {
      setAsking(undefined)
      setDone(told)
      setSecret(created)
      void query.reload()
    },
  }
  return (
    <Frame>
      <PageHead title={says.title} lead={says.lead}>
        <Button leftSection={<PlusIcon size={16} />} onClick={() => setAsking({ what: 'create' })}>
          {says.create}
        </Button>
      </PageHead>
      <Notice kind="success">{done}</Notice>
      <div className="panel list">
        <Answer query={query}>
          {webhooks =>
            webhooks.length === 0 ? (
              <Empty title={says.empty} lead={says.emptyLead} />
            ) : (
              <ul className="rows">
                {webhooks.map(webhook => (
                  <WebhookRow key={webhook.id} webhook={webhook} ask={setAsking} />
                ))}
              </ul>
            )
          }
        </Answer>
      </div>
      <FailedDeliveries webhooks={query.data ?? []} />
      {asking?.what === 'create' && <WebhookDialog {...dialog} />}
      {asking?.what === 'change' && <WebhookDialog {...dialog} webhook={asking.webhook} />}
      {asking?.what === 'rotate' && <RotateSecretDialog {...dialog} webhook={asking.webhook} />}
      {asking?.what === 'delete' && <DeleteWebhookDialog {...dialog} webhook={asking.webhook} />}
      {secret !== undefined && <SecretDialog secret={secret} onDone={() => setSecret(undefined)} />}
    </Frame>
  )
}

function WebhookRow({ webhook, ask }: { webhook: Webhook; ask: (asking: Asking) => void }) {
  const { webhooks: says } = useText()
  const { url, events, enabled } = webhook
  return (
    <li className="role">
      <div className="grow">
        <Group gap={8}>
          <Text fw={550} fz={15} component="h2" style={{ overflowWrap: 'anywhere' }}>
            {url}
          </Text>
          <Tag color={enabled ? 'good' : 'none'}>{enabled ? says.enabled : says.disabled}</Tag>
        </Group>
        <Text fz={14} c="dimmed" lh={1.5} style={{ overflowWrap: 'anywhere' }}>
          {events.includes('*') ? says.all : events.join(', ')}
        </Text>
      </div>
      <Group gap={8}>
        <Button
          size="xs"
          variant="default"
          aria-label={says.rotateOf(url)}
          onClick={() => ask({ what: 'rotate', webhook })}
        >
          {says.rotate}
        </Button>
        <Button
          size="xs"
          variant="default"
          aria-label={says.changeOf(url)}
          onClick={() => ask({ what: 'change', webhook })}
        >
          {says.change}
        </Button>
        <Button
          size="xs"
          variant="light"
          color="red"
          aria-label={says.deleteOf(url)}
          onClick={() => ask({ what: 'delete', webhook })}
        >
          {says.delete}
        </Button>
      </Group>
    </li>
  )
}
