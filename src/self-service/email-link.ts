import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { type ProvedEmailLogin, proveEmailLoginToken } from '../credentials/email-login.ts'
import { AuthError } from '../errors.ts'
import type { EmailToken, User } from '../generated/prisma/client.ts'
import { countInvalidTokens, findToken, type TokenPurpose } from '../one-time-tokens/token.ts'
import { findRecovery } from '../sign-in/factor-recovery.ts'
import { type EmailLink, EmailLinkPurpose } from './email-link.types.ts'

const PURPOSES: Record<TokenPurpose, EmailLinkPurpose> = {
  registration: EmailLinkPurpose.VERIFY_EMAIL,
  verify: EmailLinkPurpose.VERIFY_EMAIL,
  reset: EmailLinkPurpose.RESET_PASSWORD,
  invitation: EmailLinkPurpose.INVITATION,
  'email-change': EmailLinkPurpose.CONFIRM_EMAIL_CHANGE,
  'email-undo': EmailLinkPurpose.UNDO_EMAIL_CHANGE,
}

/**
 * What the link in an email is for and whose account it belongs to, so that the page behind the link can say so. Does
 * not redeem the token. The token proves that the caller reads the mailbox, and so may see this much of the account.
 * @throws AuthError TOKEN_INVALID, ACCOUNT_DISABLED, RATE_LIMITED
 */
export function emailLink(app: App, token: string, request: RequestInfo): Promise<EmailLink> {
  return countInvalidTokens(app, request, async () => {
    const row = await findToken(app, token)
    if (!row)
      return (
        (await describeRecovery(app, token)) ?? describeLogin(app, await proveEmailLoginToken(app, token))
      )
    if (row.expiresAt <= app.clock.now()) throw new AuthError('TOKEN_INVALID')
    return describe(app, row)
  })
}

async function describe(app: App, row: EmailToken): Promise<EmailLink> {
  const purpose = PURPOSES[row.purpose as TokenPurpose]
  // An account that waits for its address has no row yet, until its link is used.
  if (row.purpose === 'registration' && row.usedAt === null) {
    const { email, displayName, username } = row.payload as {
      email: string
      displayName: string | null
      username: string | null
    }
    return { purpose, email, displayName, username, invitedBy: null, confirmed: false }
  }
  const owner = await app.db.user.findUnique({ where: { id: row.userId ?? row.subject } })
  const confirmed = isConfirmed(row, owner)
  if (!owner || (row.usedAt !== null && !confirmed) || !isStillTheirs(row, owner)) {
    throw new AuthError('TOKEN_INVALID', { cause: 'the link was used, or the account changed' })
  }
  if (owner.disabledAt) throw new AuthError('ACCOUNT_DISABLED')
  return {
    purpose,
    email: row.emailCanonical === owner.emailCanonical ? owner.email : row.emailCanonical,
    displayName: owner.displayName,
    username: owner.username,
    invitedBy: await inviterOf(app, row),
    confirmed,
  }
}

/** The link that cancels the recovery of second factors, if it is one. */
async function describeRecovery(app: App, token: string): Promise<EmailLink | undefined> {
  const recovery = await findRecovery(app.db, app.clock.now(), token)
  const owner = recovery && (await app.db.user.findUnique({ where: { id: recovery.userId } }))
  if (!owner) return undefined
  const { email, username, displayName } = owner
  const purpose = EmailLinkPurpose.CANCEL_FACTOR_RECOVERY
  return { purpose, email, username, displayName, invitedBy: null, confirmed: false }
}

/** The link of an email to sign in with. Its account may be one that it will create. */
async function describeLogin(
  app: App,
  { userId, email, emailCanonical, credentialVersion }: ProvedEmailLogin,
): Promise<EmailLink> {
  const owner = userId && (await app.db.user.findUnique({ where: { id: userId } }))
  const shown = { purpose: EmailLinkPurpose.SIGN_IN, invitedBy: null, confirmed: false }
  if (userId === null) return { ...shown, email, username: null, displayName: null }
  if (!owner || owner.emailCanonical !== emailCanonical || owner.credentialVersion !== credentialVersion)
    throw new AuthError('TOKEN_INVALID', { cause: 'the account has changed' })
  if (owner.disabledAt) throw new AuthError('ACCOUNT_DISABLED')
  return { ...shown, email: owner.email, username: owner.username, displayName: owner.displayName }
}

/** People open a verification link twice, and mail scanners open it first: the second time is no failure. */
function isConfirmed({ purpose, emailCanonical }: EmailToken, owner: User | null): boolean {
  const verifies = PURPOSES[purpose as TokenPurpose] === EmailLinkPurpose.VERIFY_EMAIL
  return verifies && owner?.emailCanonical === emailCanonical && owner.emailVerifiedAt !== null
}

/** The link that confirms or undoes a change goes to an address that the account need not have now. */
function isStillTheirs({ purpose, emailCanonical }: EmailToken, owner: User): boolean {
  return purpose === 'email-change' || purpose === 'email-undo' || owner.emailCanonical === emailCanonical
}

async function inviterOf(app: App, { payload }: EmailToken): Promise<string | null> {
  const { invitedBy } = payload as { invitedBy?: string }
  if (!invitedBy) return null
  const inviter = await app.db.user.findUnique({ where: { id: invitedBy } })
  return inviter?.displayName ?? inviter?.username ?? null
}
