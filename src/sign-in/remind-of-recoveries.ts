import type { App } from '../app.ts'
import type { Queryable } from '../database/client.ts'
import type { FactorRecovery } from '../generated/prisma/client.ts'
import { linkTo, queueMail } from '../mail/outbox.ts'
import { hashOf, newSecret } from '../one-time-tokens/token.ts'
import { openRecovery } from './factor-recovery.ts'

/**
 * Reminds the owners of accounts whose second factors are about to be removed, once, when half of the wait is over. The
 * email has a link of its own that cancels the recovery; the first email's link stays valid. Several replicas can call it
 * at the same time. Returns the number of emails.
 */
export async function remindOfRecoveries(app: App, stopping?: AbortSignal): Promise<number> {
  let sent = 0
  while (!stopping?.aborted) {
    const outcome = await app.db.$transaction(tx => remindOfNext(app, tx))
    if (outcome === 'none') break
    if (outcome === 'sent') sent++
  }
  return sent
}

/** Queues the next reminder that is due. A recovery that a factor has ended needs none. */
async function remindOfNext(app: App, tx: Queryable): Promise<'sent' | 'skipped' | 'none'> {
  const now = app.clock.now()
  const [due] = await tx.$queryRaw<Pick<FactorRecovery, 'userId'>[]>`
    SELECT user_id AS "userId" FROM factor_recoveries
    WHERE reminded_at IS NULL AND ready_at > ${now} AND requested_at + (ready_at - requested_at) / 2 <= ${now}
    LIMIT 1 FOR UPDATE SKIP LOCKED`
  if (!due) return 'none'
  const { userId } = due
  const token = newSecret()
  const data = { remindedAt: now, reminderHash: hashOf(token) }
  const recovery = await tx.factorRecovery.update({ where: { userId }, data })
  const owner = await tx.user.findUnique({ where: { id: userId } })
  if (!owner || owner.disabledAt || !(await openRecovery(app, tx, userId))) return 'skipped'
  await queueMail(app, tx, {
    template: 'factor-recovery-reminder',
    to: owner.email,
    locale: owner.locale,
    userId,
    expiresAt: recovery.expiresAt,
    data: {
      at: recovery.requestedAt.toISOString(),
      readyAt: recovery.readyAt.toISOString(),
      link: linkTo(app, 'cancel-recovery', token),
    },
  })
  return 'sent'
}
