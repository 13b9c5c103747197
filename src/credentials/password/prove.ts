import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { RequestInfo } from '../../context.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { type Attempt, countAttempt } from '../../rate-limit/limit.ts'
import { forgiveProof } from '../attempts.ts'
import type { SubmittedPassword } from './new-password.ts'

/**
 * Verifies the password and returns the account with its hash. An unknown account takes the same work and throws the same
 * error as a wrong password.
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
 * Verifies the password of a signed-in account again and returns the account. Attempts are counted separately from
 * sign-ins, so that a stolen session cannot be used to guess the password.
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

/** Records a failed proof in the audit log, with the account if it exists. */
export async function recordDenial(
  app: App,
  subjectId: string | undefined,
  request: RequestInfo,
): Promise<void> {
  await record(app.db, request, { action: 'session.denied', at: app.clock.now(), subjectId })
}

/**
 * Replaces a hash that has outdated parameters or comes from another system, and returns the new one. Returns the given
 * hash if it is up to date, or if another request has changed it in the meantime.
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
