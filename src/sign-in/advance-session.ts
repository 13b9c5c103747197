import type pg from 'pg'
import { auditColumns } from '../audit/record.ts'
import type { Claim } from '../credentials/proof.ts'
import { statement } from '../database/client.ts'
import { insertSql } from '../database/insert.ts'
import type { Session } from '../generated/prisma/client.ts'
import { noticeSql } from '../mail/notices.ts'
import { endWeakerSql } from '../sessions/end-weaker.ts'
import { isLive } from '../sessions/live.ts'
import { KEEP_PROOFS } from '../sessions/rotate.ts'
import { claimCtes, EPOCH_RAISED, FACTOR_ADDED, orLost, requirement } from './start-session.ts'

const FIRST_CLAIM = 19

type Extras = {
  credentialVersion: number
  /** Ends the count of wrong codes. */
  factorProved: boolean
  /** Rows of `auditColumns`. */
  events: string
  claims: readonly Claim[]
  /** The parameters of a notice. */
  notice: readonly unknown[] | undefined
  /** If a factor is added. Then the first claim must be the session, because the account changes too. */
  added?: {
    /** If this ends the sessions without a second factor: the row of their event. */
    weakerEnded: string | undefined
  }
}

/** Fails the statement unless it advances the session. */
export function sessionClaim(lost: Claim['lost']): Claim {
  return { name: 'session', sql: () => 'SELECT id FROM account', values: [], lost }
}

const SAME_EPOCH = isLive('$7::timestamptz')
/** The epoch has just been raised, and the session is moved to it. */
const LAST_EPOCH = SAME_EPOCH.replace('s.epoch = u.session_epoch', 's.epoch = u.session_epoch - 1')

/**
 * The one statement of a step-up: moves the session on by a generation, with its new proofs, and makes the claims of the
 * proofs, or does nothing. The guard on the generation settles races with refreshes and with other step-ups. The account
 * is locked first, as by a sign-in, so that the two never deadlock.
 */
function advanceSql({ claims, notice, added }: Extras): string {
  const firstOfNotice = FIRST_CLAIM + claims.flatMap(claim => claim.values).length
  const weaker = {
    userId: '$2::uuid',
    kept: '$1::uuid',
    now: '$7::timestamptz',
    event: firstOfNotice + (notice?.length ?? 0),
  }
  return `WITH locked AS (
     UPDATE users SET factor_failures = CASE WHEN $4::boolean THEN 0 ELSE factor_failures END
       ${added ? `, ${FACTOR_ADDED}` : ''} ${added?.weakerEnded ? `, ${EPOCH_RAISED}` : ''}
     WHERE id = $2::uuid AND credential_version = $3::int
     RETURNING id, session_epoch, session_epoch AS epoch, disabled_at
   ), account AS (
     UPDATE sessions s SET generation = $6::int, proof_generation = $6::int, generation_seen_at = NULL,
       rotated_at = $7::timestamptz, last_used_at = $7::timestamptz, authenticated_at = $7::timestamptz,
       expires_at = $8::timestamptz, ip_address = $9, user_agent = $10,
       password_at = $11::timestamptz, email_at = $12::timestamptz, passkey_at = $13::timestamptz,
       key_at = $14::timestamptz, totp_at = $15::timestamptz, recovery_at = $16::timestamptz, provider_at = $17::timestamptz,
       ${KEEP_PROOFS}, epoch = u.session_epoch
     FROM locked u
     WHERE s.id = $1::uuid AND s.user_id = u.id AND s.generation = $5::int
       AND ${added?.weakerEnded ? LAST_EPOCH : SAME_EPOCH}
     RETURNING s.id
   ), ${claimCtes(claims, FIRST_CLAIM)}
   ${notice ? `${noticeSql(firstOfNotice, 'account')},` : ''}
   ${added?.weakerEnded ? endWeakerSql('locked', weaker) : ''}
   recorded AS (${insertSql('audit_events', auditColumns, 18, 'account')})
   SELECT id${requirement(claims)} FROM ${added ? 'locked' : 'account'}`
}

const statements = new Map<string, ReturnType<typeof statement>>()

/**
 * Advances `session` to `next`. False if it has ended or was refreshed, or if the account has changed.
 * @throws AuthError of the first claim that another request has made
 */
export async function advanceSession(
  pool: pg.Pool,
  session: Session,
  next: Session,
  extras: Extras,
): Promise<boolean> {
  const { credentialVersion, factorProved, events, claims, notice, added } = extras
  const kind = added ? (added.weakerEnded ? 'enroll' : 'add') : 'step-up'
  const name = [kind, ...claims.map(claim => claim.name), ...(notice ? ['notice'] : [])].join(' ')
  const advance = statements.get(name) ?? statement(name, advanceSql(extras))
  statements.set(name, advance)
  const values = [
    session.id,
    session.userId,
    credentialVersion,
    factorProved,
    session.generation,
    next.generation,
    next.authenticatedAt,
    next.expiresAt,
    next.ipAddress,
    next.userAgent,
    next.passwordAt,
    next.emailAt,
    next.passkeyAt,
    next.keyAt,
    next.totpAt,
    next.recoveryAt,
    next.providerAt,
    events,
  ]
  const all = [
    ...values,
    ...claims.flatMap(claim => claim.values),
    ...(notice ?? []),
    ...(added?.weakerEnded ? [added.weakerEnded] : []),
  ]
  const rows = await orLost(claims, advance(pool, all))
  return rows.length > 0
}
