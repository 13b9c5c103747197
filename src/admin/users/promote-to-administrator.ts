import { z } from 'zod'
import { newCredentialVersion } from '../../accounts/credential-version.ts'
import { emailField } from '../../accounts/fields.ts'
import { endApiKeys } from '../../api-keys/end-api-keys.ts'
import type { App } from '../../app.ts'
import { NO_REQUEST, record } from '../../audit/record.ts'
import type { Queryable } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { keepAnAdministrator } from '../../permissions/administrators.ts'
import { ADMIN_ROLE } from '../../permissions/permissions.ts'
import { revokeSessions } from '../../sessions/revoke.ts'

const addressSchema = z.object({ email: emailField })

/** What an operator must know about an account before promoting it. */
export type ExistingAccount = Pick<User, 'id' | 'email' | 'emailVerifiedAt' | 'createdAt' | 'disabledAt'>

/**
 * Finds an account by any spelling of its address. Returns undefined if none exists.
 * @throws AuthError BAD_USER_INPUT
 */
export async function findByAddress(app: App, address: string): Promise<ExistingAccount | undefined> {
  const { email } = checkInput(addressSchema, { email: address })
  return (await app.db.user.findUnique({ where: { emailCanonical: email.canonical } })) ?? undefined
}

export type Promotion = {
  account: ExistingAccount
  /** False if the account was already a verified administrator, so nothing changed. */
  changed: boolean
}

/**
 * Assigns the role admin to an existing account. Anyone can register an address they do not own, so the address must be
 * verified. With `verify`, the operator vouches for the account and its address is marked as verified. The promotion ends
 * the account's sessions, API keys and every emailed link, including links that restore a former address, so someone who had
 * access keeps none except the password, which stays. A disabled account stays disabled.
 * @throws AuthError BAD_USER_INPUT; NOT_FOUND; EMAIL_NOT_VERIFIED
 */
export async function promoteToAdministrator(
  app: App,
  address: string,
  { verify }: { verify: boolean },
): Promise<Promotion> {
  const { email } = checkInput(addressSchema, { email: address })
  const now = app.clock.now()
  return app.db.$transaction(tx =>
    keepAnAdministrator(app, tx, async () => {
      const account = await lockByAddress(tx, email.canonical)
      if (!account) throw new AuthError('NOT_FOUND', { message: `${email.typed} has no account.` })
      if (!account.emailVerifiedAt && !verify) throw new AuthError('EMAIL_NOT_VERIFIED')
      const granted = await tx.userRole.createMany({
        data: [{ userId: account.id, roleName: ADMIN_ROLE }],
        skipDuplicates: true,
      })
      const verified = !account.emailVerifiedAt
      if (granted.count === 0 && !verified) return { account, changed: false }
      await tx.user.update({
        where: { id: account.id },
        data: { emailVerifiedAt: account.emailVerifiedAt ?? now, updatedAt: now, ...newCredentialVersion },
      })
      await tx.emailToken.updateMany({
        where: { userId: account.id, usedAt: null },
        data: { usedAt: now },
      })
      const because = 'made an administrator'
      await endApiKeys(app, tx, account.id, { request: NO_REQUEST, because })
      const detail = { because }
      await revokeSessions(
        app,
        { userId: account.id },
        { action: 'session.revoked', request: NO_REQUEST, detail },
        tx,
      )
      await record(tx, NO_REQUEST, {
        action: 'user.roles_changed',
        at: now,
        subjectId: account.id,
        detail: { ...(granted.count > 0 && { added: ADMIN_ROLE }), ...(verified && { verified }) },
      })
      return { account, changed: true }
    }),
  )
}

/** The account, locked until the transaction ends. */
async function lockByAddress(tx: Queryable, emailCanonical: string): Promise<User | null> {
  await tx.$queryRaw`SELECT FROM users WHERE email_canonical = ${emailCanonical} FOR NO KEY UPDATE`
  return tx.user.findUnique({ where: { emailCanonical } })
}
