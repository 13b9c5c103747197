import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { administer, type Caller, changedFields } from '../admin/administer.ts'
import type { App } from '../app.ts'
import { type AuditAction, auditActions } from '../audit/actions.ts'
import { NO_REQUEST, record } from '../audit/record.ts'
import { addSeconds } from '../clock.ts'
import { newMessageSecret } from '../crypto/signed-message.ts'
import { isId, type Queryable } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Prisma, Webhook } from '../generated/prisma/client.ts'
import { checkInput } from '../input.ts'
import { isReachable } from '../network/post.ts'
import { sealSecret } from './secret.ts'

/** Stands for every event, also those of later versions. */
export const EVERY_EVENT = '*'
/** A delivery that fails causes no further delivery, which would fail in its turn. */
const NEVER_DELIVERED: AuditAction = 'webhook.delivery_failed'
/** The events that a webhook can receive. */
export const webhookEvents = Object.keys(auditActions).filter(action => action !== NEVER_DELIVERED)

const WEBHOOKS_MAX = 20
const URL_MAX_LENGTH = 2000
const FORMER_SECRET_SECONDS = 86_400

/** A webhook with an address, as administrators see it. */
export type ShownWebhook = Pick<Webhook, 'id' | 'events' | 'enabled' | 'createdAt'> & { url: string }
export type WebhookWithSecret = { webhook: ShownWebhook; secret: string }

/** Who manages webhooks: a signed-in user, or undefined for the command line. */
export type Manager = Caller | undefined

const webhookSchema = ({ config }: App) =>
  z.object({
    url: z
      .string()
      .trim()
      .max(URL_MAX_LENGTH, `Use at most ${URL_MAX_LENGTH} characters.`)
      .refine(
        url => hasGoodForm(url, config.webhookNetworks.length > 0),
        'Enter an https address without a user name, password or fragment.',
      )
      .refine(
        url => !hasPrivateAddress(url, config.webhookNetworks),
        'This address is in a private network, which webhooks can’t reach.',
      ),
    events: z
      .array(
        z
          .string()
          .refine(
            event => event === EVERY_EVENT || webhookEvents.includes(event),
            'There is no such event. Use actions of the audit log, or only *.',
          ),
      )
      .min(1, 'Choose at least one event.')
      .transform(events => (events.includes(EVERY_EVENT) ? [EVERY_EVENT] : [...new Set(events)].sort())),
    enabled: z
      .boolean()
      .nullish()
      .transform(enabled => enabled ?? true),
  })

function hasGoodForm(text: string, plainToo: boolean): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hash } = new URL(text)
  return (
    (protocol === 'https:' || (plainToo && protocol === 'http:')) && `${username}${password}${hash}` === ''
  )
}

/** For an address that is written as one. A name is checked when the connection is opened. */
function hasPrivateAddress(text: string, networks: readonly string[]): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  const host = hostname.replace(/^\[|\]$/g, '')
  const isAddress = host.includes(':') || /^[\d.]+$/.test(host)
  return isAddress && !isReachable(host, networks, protocol === 'https:')
}

/** The webhooks, oldest first. */
export async function allWebhooks(app: App): Promise<ShownWebhook[]> {
  const webhooks = await app.db.webhook.findMany({ where: { url: { not: null } }, orderBy: { id: 'asc' } })
  return webhooks.map(toShown)
}

/**
 * Creates a webhook and its secret, which is never shown again.
 * @throws AuthError BAD_USER_INPUT; CONFLICT if there are 20 already; those of `administer`
 */
export function createWebhook(app: App, input: unknown, by: Manager): Promise<WebhookWithSecret> {
  const fields = checkInput(webhookSchema(app), input)
  const secret = newMessageSecret()
  return change(app, by, async tx => {
    if ((await tx.webhook.count({ where: { url: { not: null } } })) >= WEBHOOKS_MAX) {
      throw new AuthError('CONFLICT', { message: 'There are already 20 webhooks. Delete one first.' })
    }
    const id = uuidv7()
    const sealedSecret = sealSecret(app, id, secret)
    const webhook = toShown(
      await tx.webhook.create({ data: { id, ...fields, sealedSecret, createdAt: app.clock.now() } }),
    )
    await recordChange(app, tx, by, 'webhook.created', { webhookId: id, after: recorded(webhook) })
    return { webhook, secret }
  })
}

/**
 * Replaces the address, the events and whether the webhook is enabled. While it is disabled, no events are queued for it,
 * and those that were queued wait. A changed webhook is tried immediately, however often the former one failed.
 * @throws AuthError BAD_USER_INPUT, NOT_FOUND; those of `administer`
 */
export function updateWebhook(app: App, id: string, input: unknown, by: Manager): Promise<ShownWebhook> {
  const fields = checkInput(webhookSchema(app), input)
  return change(app, by, async tx => {
    const before = toShown(await findWebhook(tx, id))
    const data = { ...fields, failures: 0, pausedUntil: null }
    const after = toShown(await tx.webhook.update({ where: { id }, data }))
    const changed = changedFields(recorded(before), recorded(after))
    if (changed) await recordChange(app, tx, by, 'webhook.updated', { webhookId: id, ...changed })
    return after
  })
}

/**
 * Replaces the secret. The former one signs too for 24 hours, so that the receiver can change it without losing messages.
 * @throws AuthError NOT_FOUND; those of `administer`
 */
export function rotateWebhookSecret(app: App, id: string, by: Manager): Promise<WebhookWithSecret> {
  const secret = newMessageSecret()
  return change(app, by, async tx => {
    const { sealedSecret } = await findWebhook(tx, id)
    const data = {
      sealedSecret: sealSecret(app, id, secret),
      sealedFormerSecret: sealedSecret,
      formerSecretUntil: addSeconds(app.clock.now(), FORMER_SECRET_SECONDS),
    }
    const webhook = toShown(await tx.webhook.update({ where: { id }, data }))
    await recordChange(app, tx, by, 'webhook.secret_rotated', { webhookId: id })
    return { webhook, secret }
  })
}

/**
 * Deletes a webhook. Its deliveries are never sent; they are deleted later, because there may be many.
 * @throws AuthError NOT_FOUND; those of `administer`
 */
export function deleteWebhook(app: App, id: string, by: Manager): Promise<void> {
  return change(app, by, async tx => {
    const before = toShown(await findWebhook(tx, id))
    await tx.webhook.delete({ where: { id } })
    await recordChange(app, tx, by, 'webhook.deleted', { webhookId: id, before: recorded(before) })
  })
}

/**
 * Runs a change in a transaction, one after the other, so that the number of webhooks stays within its limit. The
 * permissions of a signed-in user are checked again inside.
 */
export async function change<Result>(
  app: App,
  by: Manager,
  task: (tx: Queryable) => Promise<Result>,
): Promise<Result> {
  const inTurn = async (tx: Queryable) => {
    // Events can still be recorded: they only read the table.
    await tx.$executeRaw`LOCK TABLE webhooks IN SHARE ROW EXCLUSIVE MODE`
    return task(tx)
  }
  return by ? administer(app, by, 'webhooks:write', inTurn) : app.db.$transaction(inTurn)
}

export async function findWebhook(tx: Queryable, id: string): Promise<Webhook> {
  const found = isId(id) ? await tx.webhook.findFirst({ where: { id, url: { not: null } } }) : null
  if (!found) throw new AuthError('NOT_FOUND', { message: 'There is no webhook with this ID.' })
  return found
}

export function recordChange(
  app: App,
  tx: Queryable,
  by: Manager,
  action: AuditAction,
  detail: Prisma.InputJsonObject,
): Promise<void> {
  const origin = by?.request ?? NO_REQUEST
  return record(tx, origin, { action, at: app.clock.now(), actorId: by?.viewer.account.id, detail })
}

/** What the audit log says of a webhook. The rest of its address may contain a secret. */
function recorded({ url, events, enabled }: ShownWebhook) {
  return { host: new URL(url).host, events, enabled: enabled ? 'on' : 'off' }
}

function toShown({ id, url, events, enabled, createdAt }: Webhook): ShownWebhook {
  return { id, url: url ?? '', events, enabled, createdAt }
}
