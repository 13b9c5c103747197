import type { Account } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { type AuditEntry, record } from '../audit/record.ts'
import type { RequestFacts } from '../context.ts'
import { AuthError } from '../errors.ts'

/**
 * The account with its hash, once the password is proved. An unknown account costs the same work and
 * gets the same answer as a wrong password.
 * @throws AuthError INVALID_CREDENTIALS, SERVICE_UNAVAILABLE
 */
export async function provePassword(
  app: App,
  account: Account | undefined,
  password: string,
  request: RequestFacts,
): Promise<Account & { passwordHash: string }> {
  const proved = await app.hasher.verify(account?.passwordHash, password)
  if (account?.passwordHash && proved) return { ...account, passwordHash: account.passwordHash }
  const failure: AuditEntry = { action: 'session.denied', at: app.clock.now(), subjectId: account?.id }
  await record(app.db, request, failure)
  throw new AuthError('INVALID_CREDENTIALS')
}

/** The hash to go on with: made anew and stored where the old one has other parameters than today's. */
export async function renewHash(
  app: App,
  account: Account & { passwordHash: string },
  password: string,
): Promise<string> {
  if (!app.hasher.isOutdated(account.passwordHash)) return account.passwordHash
  const passwordHash = await app.hasher.hash(password)
  const renewed = await app.db.user.updateMany({
    where: { id: account.id, passwordHash: account.passwordHash },
    data: { passwordHash },
  })
  return renewed.count === 1 ? passwordHash : account.passwordHash
}
