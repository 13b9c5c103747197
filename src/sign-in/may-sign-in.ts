import { emailOriginOf } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { recordDenial } from '../credentials/password/prove.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import { sendOverdueVerification } from '../one-time-tokens/overdue-verification.ts'

/**
 * Requires that the owner, whose credentials are verified, may sign in.
 * @throws AuthError ACCOUNT_DISABLED; EMAIL_NOT_VERIFIED, after sending another link if the last one has expired
 */
export async function requireMaySignIn(app: App, account: User, request: RequestInfo): Promise<void> {
  await requireEnabled(app, account, request)
  await requireVerified(app, account, request)
}

async function requireEnabled(app: App, account: User, request: RequestInfo): Promise<void> {
  if (!account.disabledAt) return
  await recordDenial(app, account.id, request)
  throw new AuthError('ACCOUNT_DISABLED')
}

async function requireVerified(app: App, account: User, request: RequestInfo): Promise<void> {
  if (account.emailVerifiedAt || app.config.emailVerification !== 'required') return
  await recordDenial(app, account.id, request)
  await sendOverdueVerification(app, account, emailOriginOf(app, request), request)
  throw new AuthError('EMAIL_NOT_VERIFIED')
}
