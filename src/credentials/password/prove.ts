import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { RequestInfo } from '../../context.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { type Attempt, countAttempt } from '../../rate-limit/limit.ts'
import { forgiveProof } from '../attempts.ts'
import type { SubmittedPassword } from './new-password.ts'

/**
 * The account with its hash, once the password is proved. An unknown account costs the same work and
 * gets the same answer as a wrong password.
 * @throws AuthError INVALID_CREDENTIALS, SERVICE_UNAVAILABLE
 */
export async function provePassword(
  app: App,
  account: User | undefined,
  password: SubmittedPassword,
  request: RequestInfo,
): Promise<User & { passwordHash: string }> {
  const proved = await app.hasher.verify(account?.passwordHash, password.normal, password.typed)
  if (account?.passwordHash && proved) return { ...account, passwordHash: account.passwordHash }
  await recordDenial(app, account?.id, request)
  throw new AuthError('INVALID_CREDENTIALS')
}

/**
 * The account, once its password is proved again. A stolen session must not be a way to guess
 * the password, so attempts are counted, apart from those to sign in.
 * @throws AuthError INVALID_CREDENTIALS, RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export async function proveOwnPassword(
  app: App,
  account: User,
  password: SubmittedPassword,
  request: RequestInfo,
): Promise<User & { passwordHash: string }> {
  const attempt: Attempt = { rule: 'proof.account', subject: account.id }
  await countAttempt(app, [attempt], request)
  const proved = await provePassword(app, account, password, request)
  await forgiveProof(app, account.id, attempt, request)
  return proved
}

/** Puts a failed proof on record, against the account if there is one. */
export async function recordDenial(
  app: App,
  subjectId: string | undefined,
  request: RequestInfo,
): Promise<void> {
  await record(app.db, request, { action: 'session.denied', at: app.clock.now(), subjectId })
}

/**
 * The hash to go on with: made anew and stored where the old one has other parameters than today's or comes
 * from another system. The old one where it is no longer the account's.
 */
export async function renewHash(
  app: App,
  account: User & { passwordHash: string },
  password: SubmittedPassword,
): Promise<string> {
  if (!app.hasher.isOutdated(account.passwordHash)) return account.passwordHash
  const passwordHash = await app.hasher.hash(password.normal)
  const renewed = await app.db.user.updateMany({
    where: { id: account.id, passwordHash: account.passwordHash },
    data: { passwordHash },
  })
  return renewed.count === 1 ? passwordHash : account.passwordHash
}
