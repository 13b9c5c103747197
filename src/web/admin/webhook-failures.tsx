import { Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useAuth } from '../../client/react.ts'
import { useForm } from '../forms.ts'
import {
  FailedWebhookDeliveriesDocument,
  type FailedWebhookDeliveriesQuery,
  RetryWebhookDeliveryDocument,
} from '../generated/graphql.ts'
import { useText } from '../language.tsx'
import { Moment } from '../parts/moment.tsx'
import { Notice } from '../parts/notice.tsx'
import { RowAction } from '../parts/row-action.tsx'
import { useQuery } from '../use-query.ts'
import { ListPanel } from './list-panel.tsx'
import { useListState } from './list-state.ts'
import { ListTable } from './list-table.tsx'
import type { Webhook } from './webhooks.tsx'

type Delivery = FailedWebhookDeliveriesQuery['failedWebhookDeliveries']['nodes'][number]

/** Events that could not be delivered and are no longer retried. */
export function FailedDeliveries({ webhooks }: { webhooks: Webhook[] }) {
  const { webhooks: says } = useText()
  const { client } = useAuth()
  const state = useListState()
  const [sent, setSent] = useState(false)
  const query = useQuery(
    state.key,
    async () => (await client.request(FailedWebhookDeliveriesDocument, state.page)).failedWebhookDeliveries,
  )
  const form = useForm(
    async values => {
      setSent(false)
      await client.request(RetryWebhookDeliveryDocument, { id: values('id') })
      setSent(true)
      await query.reload()
    },
    { inputs: [] },
  )
  return (
    <section aria-labelledby="failed-deliveries">
      <Title order={2} size={17} id="failed-deliveries" mt={32} mb={4}>
        {says.failed}
      </Title>
      <Text c="dimmed" fz={14} mb={16}>
        {says.failedLead}
      </Text>
      <Notice kind="problem">{form.problem}</Notice>
      <Notice kind="success">{!form.problem && sent && says.sent}</Notice>
      <ListPanel query={query} state={state} empty={{ title: says.noneFailed, lead: says.noneFailedLead }}>
        {deliveries => (
          <ListTable style={{ verticalAlign: 'top' }}>
            <thead>
              <tr>
                <th scope="col">{says.event}</th>
                <th scope="col" className="mantine-visible-from-sm">
                  {says.at}
                </th>
                <th scope="col" className="mantine-visible-from-md">
                  {says.why}
                </th>
                <th scope="col">{says.again}</th>
              </tr>
            </thead>
            <tbody>
              {deliveries.map(delivery => (
                <DeliveryRow
                  key={delivery.id}
                  delivery={delivery}
                  url={webhooks.find(({ id }) => id === delivery.webhookId)?.url}
                  form={form}
                />
              ))}
            </tbody>
          </ListTable>
        )}
      </ListPanel>
    </section>
  )
}

type DeliveryRowProps = { delivery: Delivery; url: string | undefined; form: ReturnType<typeof useForm> }

function DeliveryRow({ delivery, url, form }: DeliveryRowProps) {
  const { webhooks: says } = useText()
  const { id, event, createdAt, lastError, attempts } = delivery
  return (
    <tr>
      <td>
        <Text fz={14} fw={550} style={{ overflowWrap: 'anywhere' }}>
          {event}
        </Text>
        <Text fz={13} c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {url}
        </Text>
        <Text fz={12} c="dimmed" className="mono" hiddenFrom="md">
          {lastError}
        </Text>
      </td>
      <td className="mantine-visible-from-sm" style={{ whiteSpace: 'nowrap' }}>
        <Moment at={createdAt} />
      </td>
      <td className="mantine-visible-from-md">
        <Text fz={12} className="mono">
          {lastError}
        </Text>
        <Text fz={13} c="dimmed">
          {says.attempts(attempts)}
        </Text>
      </td>
      <td>
        <RowAction form={form} values={{ id: id }} label={says.againOf(event)}>
          {says.again}
        </RowAction>
      </td>
    </tr>
  )
}
