import { z } from 'zod'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { Account, RequestInfo, Viewer } from '../../context.ts'
import { isId, type Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Passkey } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { countAttempt } from '../../rate-limit/limit.ts'
import { requireWayIn } from '../../ways-in.ts'
import { removeFactor } from '../factors/remove-factor.ts'
import { passkeyNameField } from './add-passkey.ts'

const nameSchema = z.object({ name: passkeyNameField.refine(name => name !== null, 'Enter a name.') })

/**
 * Renames a passkey or a security key of the viewer.
 * @throws AuthError BAD_USER_INPUT, RATE_LIMITED; NOT_FOUND if the viewer has no such passkey
 */
export async function renamePasskey(
  app: App,
  id: string,
  input: unknown,
  { account }: Viewer,
  request: RequestInfo,
): Promise<Passkey> {
  const { name } = checkInput(nameSchema, { name: input }, 'passkey')
  await countAttempt(app, [{ rule: 'profile.account', subject: account.id }], request)
  const where = { id: requireId(id), userId: account.id }
  return app.db.$transaction(async tx => {
    const [passkey] = await tx.passkey.updateManyAndReturn({ where, data: { name: name ?? '' } })
    if (!passkey) throw notFound()
    const subject = { at: app.clock.now(), actorId: account.id, subjectId: account.id }
    await record(tx, request, { action: 'factor.renamed', ...subject, detail: { passkeyId: id } })
    return passkey
  })
}

/**
 * Removes a passkey or a security key of the viewer: see `removeFactor`.
 * @throws AuthError as `removeFactor`; CONFLICT also for the account's last way to sign in
 */
export async function removePasskey(
  app: App,
  id: string,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Account> {
  const where = { id: requireId(id), userId: viewer.account.id }
  const passkey = await app.db.passkey.findFirst({ where })
  if (!passkey) throw notFound()
  const remove = async (tx: Queryable) => {
    const { count } = await tx.passkey.deleteMany({ where })
    if (count > 0) await requireWayIn(app, tx, viewer.account.id)
    return count > 0
  }
  const factor = passkey.discoverable ? 'PASSKEY' : 'SECURITY_KEY'
  return removeFactor(app, viewer, { factor, remove }, request)
}

function requireId(id: string): string {
  if (!isId(id)) throw notFound()
  return id
}

function notFound(): AuthError {
  return new AuthError('NOT_FOUND', { message: 'Your account has no passkey with this ID.' })
}
