import type { App } from '../../app.ts'
import { record } from '../../audit/record.ts'
import type { RequestInfo } from '../../context.ts'
import { AuthError } from '../../errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { networkOf } from '../../network/address.ts'
import { type Attempt, countAttempt } from '../../rate-limit/limit.ts'
import { recordDenial } from '../password/prove.ts'
import type { Claim, Proof } from '../proof.ts'
import { type Assertion, answersCeremony, verifyAssertion } from './assertion.ts'
import type { PasskeyAnswer } from './ceremony-ticket.ts'
import { rememberedKey, rememberKey } from './known-keys.ts'
import { findPasskey, requirePasskeys, type StoredPasskey } from './stored.ts'
import { claimedCredential } from './verify.ts'

/** Why a passkey is refused. Browsers remove a passkey that is UNKNOWN from their list. */
export type PasskeyProblem = 'UNKNOWN' | 'REFUSED'

/** The error for a passkey that proves nothing. `cause` is for the log only. */
export function passkeyInvalid(reason: PasskeyProblem, cause?: unknown): AuthError {
  const message = reason === 'UNKNOWN' ? UNKNOWN_MESSAGE : undefined
  return new AuthError('PASSKEY_INVALID', {
    extensions: { reason },
    cause,
    ...(message !== undefined && { message }),
  })
}

const UNKNOWN_MESSAGE = 'This passkey was removed from its account. Sign in another way.'

export type ProvedPasskey = { account: User; proof: Proof & { claim: Claim } }

/**
 * Verifies a browser's answer to the ceremony of its ticket, which the caller has opened. The proof is PASSKEY if the
 * authenticator verified the person, otherwise SECURITY_KEY. Its claim stores the signature counter.
 * @throws AuthError PASSKEY_INVALID; RATE_LIMITED after too many invalid answers from the network
 */
export async function provePasskey(
  app: App,
  answer: PasskeyAnswer,
  request: RequestInfo,
  { requireUserVerification = false } = {},
): Promise<ProvedPasskey> {
  const { ticket, credential } = answer
  const relyingParty = app.config.passkeys
  const claimed = claimedCredential(credential)
  if (!claimed) return refuse(app, request, 'REFUSED', 'malformed')
  const found = await findPasskey(app, claimed.credentialId)
  if (!found) {
    const answers = await answersCeremony(relyingParty, ticket, credential)
    return refuse(app, request, answers ? 'UNKNOWN' : 'REFUSED', 'no account has the credential')
  }
  const { passkey, account } = found
  const assertion = await verifyAssertion(relyingParty, ticket, credential, passkey.publicKey)
  if (!assertion) return refuse(app, request, 'REFUSED', 'not verified', account)
  rememberKey(claimed.credentialId, passkey.publicKey)
  const problem = problemOf(passkey, claimed.userHandle, assertion)
  if (problem) return refuse(app, request, 'REFUSED', problem, account)
  if (requireUserVerification && !assertion.userVerified)
    return refuse(app, request, 'REFUSED', 'the person was not verified', account)
  await recordRegress(app, passkey, assertion, request)
  const at = app.clock.now()
  const method = assertion.userVerified ? 'PASSKEY' : 'SECURITY_KEY'
  return { account, proof: { accountId: account.id, method, at, claim: claimOf(passkey, assertion, at) } }
}

/**
 * As `provePasskey`, for an account that is already known: a passkey or a security key as a second factor, or to prove
 * again who uses a session.
 * @throws AuthError PASSKEY_INVALID, also for a passkey of another account; RATE_LIMITED
 */
export async function proveOwnPasskey(
  app: App,
  accountId: string,
  answer: PasskeyAnswer,
  request: RequestInfo,
): Promise<Proof & { claim: Claim }> {
  requirePasskeys(app)
  const { account, proof } = await provePasskey(app, answer, request)
  if (account.id !== accountId) return refuse(app, request, 'REFUSED', 'a passkey of another account')
  return proof
}

export type VerifiedPasskey = {
  credentialId: Buffer
  /** The COSE_Key that signed. Whether it still is the credential's, the caller finds out. */
  publicKey: Uint8Array
  /** Null if the browser named none. */
  userHandle: Buffer | null
  assertion: Assertion
}

/**
 * Verifies a browser's answer with the key that its credential had when it was last read, without a query. Undefined if
 * there is no such key, the answer is wrong, or the authenticator did not verify the person. It judges neither the
 * account nor the stored credential: see `problemOf`.
 */
export async function verifyKnownPasskey(
  app: App,
  { ticket, credential }: PasskeyAnswer,
): Promise<VerifiedPasskey | undefined> {
  const claimed = claimedCredential(credential)
  const publicKey = claimed && rememberedKey(claimed.credentialId)
  if (!publicKey) return undefined
  const assertion = await verifyAssertion(app.config.passkeys, ticket, credential, publicKey)
  if (!assertion?.userVerified) return undefined
  const { credentialId, userHandle } = claimed
  return {
    credentialId: Buffer.from(credentialId, 'base64url'),
    publicKey,
    userHandle: userHandle === undefined ? null : Buffer.from(userHandle, 'base64url'),
    assertion,
  }
}

/** Counts the invalid answer before it writes anything else, so that a flood fills no log. */
async function refuse(
  app: App,
  request: RequestInfo,
  reason: PasskeyProblem,
  cause: string,
  account?: User,
): Promise<never> {
  const attempt: Attempt = { rule: 'passkey.network', subject: networkOf(request.ipAddress) }
  await countAttempt(app, [attempt], request)
  if (account) await recordDenial(app, account.id, request)
  throw passkeyInvalid(reason, cause)
}

/** WebAuthn Level 3, section 7.2: the user handle, the backup state and the counter. */
function problemOf(
  { counter, backupEligible, lastUsedAt, userHandle }: StoredPasskey,
  presentedHandle: string | undefined,
  assertion: Assertion,
): string | undefined {
  if (userHandle && presentedHandle && !Buffer.from(presentedHandle, 'base64url').equals(userHandle)) {
    return 'another user handle'
  }
  if (lastUsedAt && backupEligible !== assertion.backupEligible) return 'another backup eligibility'
  if (!assertion.backupEligible && isRegress(counter, assertion)) return 'the counter regressed'
  return undefined
}

/** Whether the counter shows that a copy of the authenticator exists (WebAuthn Level 3, section 6.1.1). */
function isRegress(stored: string, { counter: presented }: Assertion): boolean {
  return (Number(stored) > 0 || presented > 0) && presented <= Number(stored)
}

/** A synced credential has several devices, so its counter may regress. The record tells of a possible copy. */
async function recordRegress(
  app: App,
  { id, userId, counter }: StoredPasskey,
  assertion: Assertion,
  request: RequestInfo,
): Promise<void> {
  if (!isRegress(counter, assertion)) return
  const subject = { at: app.clock.now(), actorId: userId, subjectId: userId }
  const detail = { passkeyId: id, stored: Number(counter), presented: assertion.counter }
  await record(app.db, request, { action: 'factor.counter_regressed', ...subject, detail })
}

/**
 * Stores the counter. The guard settles races: of two answers with the same counter, a credential that is bound to one
 * device makes one claim. A synced credential's counter may regress: see `recordRegress`.
 */
function claimOf({ id, userId }: StoredPasskey, assertion: Assertion, at: Date): Claim {
  const { counter, backupEligible, backedUp } = assertion
  return {
    name: 'passkey',
    sql: first => {
      const [key, presented, eligible, backup, now] = [0, 1, 2, 3, 4].map(place => `$${first + place}`)
      return `UPDATE passkeys p SET counter = greatest(p.counter, ${presented}::bigint),
          backup_eligible = ${eligible}::boolean, backed_up = ${backup}::boolean, last_used_at = ${now}::timestamptz
        FROM account WHERE p.id = ${key}::uuid AND (
          ${eligible}::boolean OR ${presented}::bigint > p.counter OR (${presented}::bigint = 0 AND p.counter = 0)
        ) RETURNING p.id`
    },
    values: [id, counter, backupEligible, backedUp, at],
    lost: () => passkeyInvalid('REFUSED', `the counter of ${userId}'s credential regressed`),
  }
}
