// The lists of the API have decorators.
import 'reflect-metadata'
import { failedDeliveryPage, retryAllDeliveries, retryDelivery } from '../webhooks/failed-deliveries.ts'
import {
  allWebhooks,
  createWebhook,
  deleteWebhook,
  EVERY_EVENT,
  rotateWebhookSecret,
  type ShownWebhook,
  updateWebhook,
} from '../webhooks/manage.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

type Json = { json?: boolean }
type Fields = { url?: string; event?: string[]; enable?: boolean; disable?: boolean }

const PAGE = 100

export async function list({ json }: Json): Promise<void> {
  await withApp(async app => {
    const webhooks = await allWebhooks(app)
    const text = webhooks.length === 0 ? 'There are no webhooks.' : webhooks.map(toText).join('\n')
    print(text, webhooks, json)
  })
}

function toText({ id, url, events, enabled }: ShownWebhook): string {
  return `${id}  ${enabled ? 'enabled ' : 'disabled'}  ${url}  ${events.join(', ')}`
}

export async function create({ url, event, disable, json }: Fields & Json): Promise<void> {
  await withApp(async app => {
    const input = { url, events: event ?? [EVERY_EVENT], enabled: !disable }
    const created = await createWebhook(app, input, undefined)
    print(`Created ${created.webhook.id}. Its secret:\n${created.secret}`, created, json)
  })
}

export async function update(
  id: string,
  { url, event, enable, disable, json }: Fields & Json,
): Promise<void> {
  if (enable && disable) throw new Error('Use either --enable or --disable.')
  await withApp(async app => {
    const before = (await allWebhooks(app)).find(webhook => webhook.id === id)
    const input = {
      url: url ?? before?.url,
      events: event ?? before?.events,
      enabled: enable || (disable ? false : before?.enabled),
    }
    // Without such a webhook, any valid input says so.
    const webhook = await updateWebhook(
      app,
      id,
      before ? input : { url: 'https://example.com', events: ['*'] },
      undefined,
    )
    print(toText(webhook), webhook, json)
  })
}

export async function rotate(id: string, { json }: Json): Promise<void> {
  await withApp(async app => {
    const rotated = await rotateWebhookSecret(app, id, undefined)
    print(`The new secret; the former one signs too for 24 hours:\n${rotated.secret}`, rotated, json)
  })
}

export async function remove(id: string, { json }: Json): Promise<void> {
  await withApp(async app => {
    await deleteWebhook(app, id, undefined)
    print(`Deleted ${id}.`, { id, deleted: true }, json)
  })
}

export async function listFailed({ json }: Json): Promise<void> {
  await withApp(async app => {
    const { nodes, totalCount } = await failedDeliveryPage(app, { first: PAGE })
    const total = await totalCount()
    const deliveries = nodes.map(({ position, ...delivery }) => delivery)
    const lines = deliveries.map(
      ({ id, createdAt, event, attempts, lastError }) =>
        `${id}  ${createdAt.toISOString()}  ${event}  ${attempts} attempts  ${lastError}`,
    )
    const more = total > lines.length ? [`and ${total - lines.length} older ones`] : []
    const text = lines.length === 0 ? 'No delivery has failed.' : [...lines, ...more].join('\n')
    print(text, { total, deliveries }, json)
  })
}

export async function retry(id: string | undefined, { all, json }: { all?: boolean } & Json): Promise<void> {
  if ((id === undefined) === !all) throw new Error('Name a delivery, or use --all.')
  await withApp(async app => {
    if (id !== undefined) await retryDelivery(app, id, undefined)
    const queued = id === undefined ? await retryAllDeliveries(app) : 1
    print(`Queued again: ${queued}.`, { queued }, json)
  })
}
