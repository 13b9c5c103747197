import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { isId } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Mail } from '../../generated/prisma/client.ts'
import { connectionOf, type PageArguments, pageOf } from '../../pagination.ts'
import { type Acting, administer } from '../administer.ts'

/** What it says stays sealed. */
const shown = {
  id: true,
  template: true,
  recipient: true,
  attempts: true,
  lastError: true,
  createdAt: true,
  expiresAt: true,
} as const
type Shown = Pick<Mail, keyof typeof shown>

/**
 * A page of the mails that were given up, the latest written first. `hide` takes out what the reader may not see.
 * @throws AuthError BAD_USER_INPUT
 */
export async function failedMailPage(app: App, args: PageArguments, hide: (text: string) => string) {
  const page = pageOf(args, ([id = '', ...rest]) => isId(id) && rest.length === 0)
  const [[after] = [], [before] = []] = [page.after, page.before]
  const failed = { status: 'failed' }
  const fetched = await app.db.mail.findMany({
    where: { AND: [failed, after ? { id: { lt: after } } : {}, before ? { id: { gt: before } } : {}] },
    // Ids are in the order of time.
    orderBy: { id: page.backward ? 'asc' : 'desc' },
    take: page.size + 1,
    select: shown,
  })
  const totalCount = () => app.db.mail.count({ where: failed })
  const nodes = fetched.map(({ recipient, lastError, ...mail }) => ({
    ...mail,
    recipient: hide(recipient),
    lastError: lastError === null ? null : hide(lastError),
  }))
  return connectionOf(page, nodes, totalCount, ({ id }: Shown) => [id])
}

/**
 * Puts a mail that was given up back into the queue, to be tried as often as a new one.
 * @throws AuthError NOT_FOUND when there is none such; CONFLICT when it would arrive too late to be of use
 */
export async function retryMail(app: App, id: string, acting: Acting): Promise<void> {
  const at = app.clock.now()
  await administer(app, acting, 'users:write', async tx => {
    const failed = isId(id) && (await tx.mail.findFirst({ where: { id, status: 'failed' } }))
    if (!failed) throw new AuthError('NOT_FOUND', { message: 'No mail that has failed has this id.' })
    const { count } = await tx.mail.updateMany({
      where: {
        id,
        status: 'failed',
        sealedData: { not: '' },
        OR: [{ expiresAt: null }, { expiresAt: { gt: at } }],
      },
      data: { status: 'queued', attempts: 0, nextAttemptAt: at },
    })
    if (count === 0) {
      throw new AuthError('CONFLICT', {
        message: 'What this mail says is no longer good. Have a new one sent.',
      })
    }
    await record(tx, acting.request, {
      action: 'mail.retried',
      at,
      actorId: acting.viewer.account.id,
      subjectId: failed.userId ?? undefined,
      detail: { mailId: failed.id, template: failed.template },
    })
  })
}
