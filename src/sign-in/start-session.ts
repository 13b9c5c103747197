import pg from 'pg'
import { INCREASE_CREDENTIAL_VERSION } from '../accounts/credential-version.ts'
import { auditColumns } from '../audit/record.ts'
import { isDemanded } from '../credentials/demand.ts'
import type { Claim } from '../credentials/proof.ts'
import { statement } from '../database/client.ts'
import { type Columns, insertSql } from '../database/insert.ts'
import { evictDevicesSql, seenDeviceSql } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { noticeSql } from '../mail/notices.ts'
import { grantsColumn } from '../permissions/grants.ts'
import { endWeakerSql } from '../sessions/end-weaker.ts'
import { sessionColumns } from '../sessions/find-session.ts'

/** The columns of a session that starts, with what only SQL reads. */
export const startedColumns = {
  ...sessionColumns,
  identityId: 'identity_id',
  providerSid: 'provider_sid',
  usedProofs: 'used_proofs',
} as const satisfies Columns

/** The parameters of the statement before those of the claims. */
export type StartParameters = [
  userId: string,
  credentialVersion: number,
  now: Date,
  session: string,
  events: string,
  device: string,
  sessionsMax: number,
  evictedId: string,
  noticeRows: string,
  noticeAttempts: number,
  noticeWindowSeconds: number,
  satisfied: boolean,
  deviceSecretHash: Buffer,
]
const FIRST_CLAIM = 14

/** What a sign-in changes in the account besides the time of the latest sign-in. */
export type AccountChange = 'none' | 'proved' | 'factor-added'

/** What adding a factor changes in the account. It ends every ticket. */
export const FACTOR_ADDED = `enrolment_required = false, ${INCREASE_CREDENTIAL_VERSION}`
/** Lets the sessions without a second factor end: see sessions/end-weaker.ts. */
export const EPOCH_RAISED = 'session_epoch = session_epoch + 1'

const CHANGES: Record<AccountChange, string> = {
  none: '',
  // A correct second factor ends the count of wrong ones.
  proved: ', factor_failures = 0',
  'factor-added': `, factor_failures = 0, ${FACTOR_ADDED}, ${EPOCH_RAISED}`,
}

/** What belongs to a sign-in besides its session. */
export type Extras = {
  change: AccountChange
  claims: readonly Claim[]
  /** The parameters of a notice to the owner: see mail/notices.ts. */
  notice: readonly [rows: string, attempts: number, windowSeconds: number] | undefined
  /** If a factor is added: the row of the event that weaker sessions ended. */
  weakerEnded?: string | undefined
}

/**
 * The one statement that starts a session. It does so only if the account is enabled, still has the credentials that
 * were verified, and demands no more than was proved. The row lock orders this after a concurrent change, so that no
 * change of a password, a factor or a role leaves a session behind. It also orders concurrent sign-ins, so that the
 * oldest session ends when the account already has SESSIONS_MAX.
 *
 * Either all claims are made or the statement fails and changes nothing. They follow the lock of the account, so that
 * sign-ins of one account never deadlock.
 *
 * Notifies the owner if the account has been signed in to before, but never from this device. A dormant account may
 * have no sessions left, so the audit log is checked too; otherwise its takeover would go unnoticed.
 */
function startSql({ change, claims, notice }: Extras): string {
  const firstOfNotice = FIRST_CLAIM + claims.flatMap(claim => claim.values).length
  const weaker = { userId: '$1', kept: 'NULL::uuid', now: '$3', event: firstOfNotice + (notice?.length ?? 0) }
  return `WITH account AS (
     UPDATE users u SET last_login_at = $3${CHANGES[change]}
     WHERE u.id = $1 AND u.credential_version = $2 AND u.disabled_at IS NULL
       AND ($12 OR NOT ${isDemanded('$13', '$3')})
     RETURNING u.session_epoch AS epoch, u.credential_version, ${grantsColumn}
   ), ${claimCtes(claims)}
   room AS MATERIALIZED (
     SELECT epoch, make_room_for_session($1, epoch, $7, $3) AS ended FROM account
   ), crowded AS (SELECT ended FROM room WHERE ended > 0),
   ${change === 'factor-added' ? endWeakerSql('account', weaker) : ''}
   device AS (${seenDeviceSql(6, 'account')}),
   fresh AS (SELECT FROM device WHERE fresh),
   evicted AS (${evictDevicesSql(1, 'fresh')}),
   strange AS (
     SELECT FROM account WHERE (
       EXISTS (SELECT FROM sessions WHERE user_id = $1 AND actor_session_id IS NULL)
       OR EXISTS (SELECT FROM audit_events WHERE subject_id = $1 AND action = 'session.started')
     ) AND EXISTS (SELECT FROM fresh)
   ), ${noticeSql(9, 'strange')},
   ${notice ? `${noticeSql(firstOfNotice, 'account', 'also_')},` : ''}
   started AS (${insertSql('sessions', startedColumns, 4, 'room', {
     epoch: 'room.epoch',
     device_id: '(SELECT id FROM device)',
   })}),
   revoked AS (${insertSql('audit_events', auditColumns, 5, 'crowded', {
     id: '$8::uuid',
     action: `'session.revoked'`,
     detail: `(r.detail - ARRAY['sessionId', 'methods', 'provider'])
       || jsonb_build_object('because', 'too many sessions', 'count', crowded.ended)`,
   })} WHERE r.action = 'session.started'),
   recorded AS (${insertSql('audit_events', auditColumns, 5, 'account', {
     detail: `CASE WHEN r.action = 'session.started' AND EXISTS (SELECT FROM strange)
       THEN r.detail || '{"newDevice": true}' ELSE r.detail END`,
   })})
   SELECT grants, credential_version${requirement(claims)} FROM account`
}

export function claimCtes(claims: readonly Claim[], first = FIRST_CLAIM): string {
  let next = first
  return claims
    .map(({ sql, values }, index) => {
      const cte = `claim_${index} AS (${sql(next)}),`
      next += values.length
      return cte
    })
    .join(' ')
}

export function requirement(claims: readonly Claim[]): string {
  if (claims.length === 0) return ''
  return `, require_claims(ARRAY[${claims.map((_, index) => `EXISTS (SELECT FROM claim_${index})`).join(', ')}])`
}

type Started = [grants: string | null, credentialVersion: number]
const statements = new Map<string, ReturnType<typeof statement<Started>>>()

/**
 * Starts the session and makes the claims. Undefined if the account has changed or demands more.
 * @throws AuthError of the first claim that another request has made
 */
export async function startSession(
  pool: pg.Pool,
  parameters: StartParameters,
  extras: Extras,
): Promise<Started | undefined> {
  const { change, claims, notice, weakerEnded } = extras
  const name = ['login', change, ...claims.map(claim => claim.name), ...(notice ? ['notice'] : [])].join(' ')
  const start = statements.get(name) ?? statement<Started>(name, startSql(extras))
  statements.set(name, start)
  const values = [
    ...parameters,
    ...claims.flatMap(claim => claim.values),
    ...(notice ?? []),
    ...(weakerEnded ? [weakerEnded] : []),
  ]
  const [row] = await orLost(claims, start(pool, values))
  return row
}

/**
 * SQL that makes the claims without starting a session. Its CTE `account` is `account`; `select` reads from it. The
 * parameters of the claims start at `$first`.
 */
export function claimSql(account: string, select: string, claims: readonly Claim[], first: number): string {
  const ctes = claimCtes(claims, first).replace(/,$/, '')
  return `WITH account AS (${account})${ctes && `, ${ctes}`} SELECT ${select}${requirement(claims)} FROM account`
}

/**
 * Makes the claims without starting a session.
 * @throws AuthError of the first claim that another request has made, also if the account has changed
 */
export async function claimAlone(
  pool: pg.Pool,
  { id, credentialVersion }: Pick<User, 'id' | 'credentialVersion'>,
  claims: readonly [Claim, ...Claim[]],
): Promise<void> {
  const account = `SELECT u.id FROM users u WHERE u.id = $1 AND u.credential_version = $2 AND u.disabled_at IS NULL
    FOR NO KEY UPDATE OF u`
  const name = ['claim', ...claims.map(claim => claim.name)].join(' ')
  const claim = statement(name, claimSql(account, 'id', claims, 3))
  const values = [id, credentialVersion, ...claims.flatMap(each => each.values)]
  const rows = await orLost(claims, claim(pool, values))
  if (rows.length === 0) throw claims[0].lost()
}

const LOST = 'AG001'

/** Turns the failure of a claim into its error. */
export async function orLost<Result>(claims: readonly Claim[], running: Promise<Result>): Promise<Result> {
  try {
    return await running
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== LOST) throw error
    throw claims[Number(error.detail) - 1]?.lost() ?? error
  }
}
