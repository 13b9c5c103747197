import type { App } from '../app.ts'
import { isId } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { WebhookDelivery } from '../generated/prisma/client.ts'
import { connectionOf, type PageArguments, pageOf } from '../pagination.ts'
import { change, type Manager, recordChange } from './manage.ts'

const FAILED = { status: 'failed' }

/** A delivery as administrators see it. */
export type ShownDelivery = Pick<WebhookDelivery, 'id' | 'webhookId' | 'event' | 'attempts' | 'lastError'> & {
  createdAt: Date
}

/**
 * A page of the deliveries that were given up, newest first.
 * @throws AuthError BAD_USER_INPUT
 */
export async function failedDeliveryPage(app: App, args: PageArguments) {
  const page = pageOf(args, ([position = '', ...rest]) => /^\d{1,18}$/.test(position) && rest.length === 0)
  const [after, before] = [page.after?.[0], page.before?.[0]]
  const fetched = await app.db.webhookDelivery.findMany({
    where: {
      AND: [
        FAILED,
        after === undefined ? {} : { position: { lt: BigInt(after) } },
        before === undefined ? {} : { position: { gt: BigInt(before) } },
      ],
    },
    orderBy: { position: page.backward ? 'asc' : 'desc' },
    take: page.size + 1,
  })
  const nodes = fetched.map(delivery => ({ ...toShown(delivery), position: delivery.position }))
  const totalCount = () => app.db.webhookDelivery.count({ where: FAILED })
  return connectionOf(page, nodes, totalCount, ({ position }) => [String(position)])
}

/**
 * Queues a failed delivery again, with as many attempts as a new one and the same `webhook-id`. Later events of the same
 * account may have been delivered already.
 * @throws AuthError NOT_FOUND if there is no failed delivery with this ID; CONFLICT if its webhook is disabled; those of
 *   `administer`
 */
export function retryDelivery(app: App, id: string, by: Manager): Promise<ShownDelivery> {
  return change(app, by, async tx => {
    const failed = isId(id) && (await tx.webhookDelivery.findFirst({ where: { id, ...FAILED } }))
    const webhook = failed && (await tx.webhook.findUnique({ where: { id: failed.webhookId } }))
    if (!failed || !webhook) {
      throw new AuthError('NOT_FOUND', { message: 'There is no failed delivery with this ID.' })
    }
    if (!webhook.enabled) {
      throw new AuthError('CONFLICT', { message: 'This webhook is disabled. Enable it first.' })
    }
    const at = app.clock.now()
    const [queued] = await tx.webhookDelivery.updateManyAndReturn({
      where: { id, ...FAILED },
      data: { status: 'queued', attempts: 0, nextAttemptAt: at },
    })
    await recordChange(app, tx, by, 'webhook.delivery_retried', {
      webhookId: webhook.id,
      deliveryId: id,
      event: failed.event,
    })
    return toShown(queued ?? failed)
  })
}

/**
 * Queues every failed delivery again, and returns how many there were. For the command line.
 */
export async function retryAllDeliveries(app: App): Promise<number> {
  const failed = await app.db.webhookDelivery.findMany({
    where: FAILED,
    orderBy: { position: 'asc' },
    select: { id: true },
  })
  let queued = 0
  for (const { id } of failed) {
    try {
      await retryDelivery(app, id, undefined)
      queued++
    } catch (error) {
      // Of a disabled webhook, or queued meanwhile.
      if (!(error instanceof AuthError)) throw error
    }
  }
  return queued
}

function toShown({ id, webhookId, event, attempts, lastError, at }: WebhookDelivery): ShownDelivery {
  return { id, webhookId, event, attempts, lastError, createdAt: at }
}
