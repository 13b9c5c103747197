import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { RequestInfo, Viewer } from '../../context.ts'
import { isId } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { Passkey } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { countAttempt } from '../../rate-limit/limit.ts'

export const passkeyNameField = labelField(100)

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

function requireId(id: string): string {
  if (!isId(id)) throw notFound()
  return id
}

function notFound(): AuthError {
  return new AuthError('NOT_FOUND', { message: 'Your account has no passkey with this ID.' })
}
