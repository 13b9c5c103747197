import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import { isId } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Mail } from '../../generated/prisma/client.ts'
import { connectionOf, type PageArguments, pageOf } from '../../pagination.ts'
import { administer, type Caller } from '../administer.ts'

/** Everything but the content, which stays sealed. */
const shownColumns = {
  id: true,
  template: true,
  recipient: true,
  attempts: true,
  lastError: true,
  createdAt: true,
  expiresAt: true,
} as const
type ShownMail = Pick<Mail, keyof typeof shownColumns>

/**
 * A page of failed emails, newest first. `hide` removes addresses that the viewer may not see.
 * @throws AuthError BAD_USER_INPUT
 */
export async function failedMailPage(app: App, args: PageArguments, hide: (text: string) => string) {
  const page = pageOf(args, ([id = '', ...rest]) => isId(id) && rest.length === 0)
  const [[after] = [], [before] = []] = [page.after, page.before]
  const failed = { status: 'failed' }
  const fetched = await app.db.mail.findMany({
    where: { AND: [failed, after ? { id: { lt: after } } : {}, before ? { id: { gt: before } } : {}] },
    // IDs are in chronological order.
    orderBy: { id: page.backward ? 'asc' : 'desc' },
    take: page.size + 1,
    select: shownColumns,
  })
  const totalCount = () => app.db.mail.count({ where: failed })
  const nodes = fetched.map(({ recipient, lastError, ...mail }) => ({
    ...mail,
    recipient: hide(recipient),
    lastError: lastError === null ? null : hide(lastError),
  }))
  return connectionOf(page, nodes, totalCount, ({ id }: ShownMail) => [id])
}

/**
 * Queues a failed email again, with as many attempts as a new one.
 * @throws AuthError NOT_FOUND if there is no failed email with this ID; CONFLICT if the email has expired
 */
export async function retryMail(app: App, id: string, caller: Caller): Promise<void> {
  const at = app.clock.now()
  await administer(app, caller, 'users:write', async tx => {
    const failed = isId(id) && (await tx.mail.findFirst({ where: { id, status: 'failed' } }))
    if (!failed) throw new AuthError('NOT_FOUND', { message: 'There is no failed email with this ID.' })
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
        message: 'This email has expired. Request a new one.',
      })
    }
    await record(tx, caller.request, {
      action: 'mail.retried',
      at,
      actorId: caller.viewer.account.id,
      subjectId: failed.userId ?? undefined,
      detail: { mailId: failed.id, template: failed.template },
    })
  })
}
