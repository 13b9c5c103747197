import { findUserById } from '../accounts/account.ts'
import { newCredentialVersion } from '../accounts/credential-version.ts'
import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import type { ProvedEmailLogin } from '../credentials/email-login.ts'
import type { Queryable } from '../database/client.ts'
import { keepOnlyDevice } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { endTokens } from '../one-time-tokens/token.ts'
import { revokeSessions } from '../sessions/revoke.ts'

/**
 * Verifies the address of an account for the first time, in the caller's transaction, and removes what others may have
 * set up to sign in with: the password, passkeys, the authenticator app, recovery codes and identities at providers. A stranger can register an
 * address before its owner does and wait (account pre-hijacking, Sudhodanan and Paverd, arXiv 2205.10174). Call it when
 * a reset, a sign-in by email or a provider proves the mailbox, and first in the transaction, because it locks the account. The
 * caller ends the sessions, the known devices and the emailed links.
 * @returns false, without any change, if the address was verified before or the account has changed
 */
export async function removeUnprovedCredentials(
  app: App,
  tx: Queryable,
  { id, emailCanonical, passwordHash }: User,
  request: RequestInfo,
  unchanged: Partial<Pick<User, 'credentialVersion'>> = {},
): Promise<boolean> {
  const now = app.clock.now()
  const { count } = await tx.user.updateMany({
    where: { id, emailCanonical, emailVerifiedAt: null, disabledAt: null, ...unchanged },
    data: {
      emailVerifiedAt: now,
      passwordHash: null,
      secondFactorRequired: false,
      updatedAt: now,
      ...newCredentialVersion,
    },
  })
  if (count === 0) return false
  const where = { userId: id }
  const passkeys = await tx.passkey.deleteMany({ where })
  const totp = await tx.totp.deleteMany({ where })
  await tx.recoveryCode.deleteMany({ where })
  const identities = await tx.identity.deleteMany({ where })
  const apiKeys = await tx.apiKey.deleteMany({ where })
  const removed = {
    password: passwordHash !== null,
    passkeys: passkeys.count,
    totp: totp.count > 0,
    identities: identities.count,
    apiKeys: apiKeys.count,
  }
  const event = { at: now, actorId: id, subjectId: id }
  await record(tx, request, { ...event, action: 'user.email_verified' })
  // An invited account has nothing to remove.
  if (Object.values(removed).some(Boolean))
    await record(tx, request, { ...event, action: 'user.credentials_removed', detail: removed })
  return true
}

/**
 * Uses up a sign-in by email as the first proof of the account's mailbox: see `removeUnprovedCredentials`. Also ends the
 * account's sessions, known devices and emailed links.
 * @returns the account after that; undefined if its address was verified, or it changed, in the meantime
 * @throws AuthError of `login.claim` if another request has used up the email
 */
export async function proveMailboxFirst(
  app: App,
  account: User,
  login: ProvedEmailLogin,
  request: RequestInfo,
): Promise<User | undefined> {
  const { id } = account
  const proved = await app.db.$transaction(async tx => {
    if (!(await removeUnprovedCredentials(app, tx, account, request))) return false
    await useUp(tx, login)
    await endTokens(app, tx, id)
    await keepOnlyDevice(app, tx, id, undefined)
    const detail = { because: 'address verified for the first time' }
    await revokeSessions(app, { userId: id }, { action: 'session.revoked', request, actorId: id, detail }, tx)
    return true
  })
  return proved ? findUserById(app, id) : undefined
}

/** @throws AuthError of `claim`; roll back */
export async function useUp(tx: Queryable, { id, claim }: ProvedEmailLogin): Promise<void> {
  const { count } = await tx.emailLogin.deleteMany({ where: { id } })
  if (count === 0) throw claim.lost()
}
