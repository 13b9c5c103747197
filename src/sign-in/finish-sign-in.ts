import type pg from 'pg'
import { emailOriginOf, securityNotice } from '../accounts/security-notice.ts'
import type { App } from '../app.ts'
import { type AuditEntry, auditColumns, toEvent } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import {
  demandedByOwner,
  demandedOnEveryDevice,
  type FactorRow,
  factorColumns,
  isTrusted,
} from '../credentials/demand.ts'
import type { AuthMethod, Claim, Proof } from '../credentials/proof.ts'
import { inTransaction, statement } from '../database/client.ts'
import { toRows } from '../database/insert.ts'
import { newId } from '../database/new-id.ts'
import { type Device, toDeviceRows } from '../devices/device.ts'
import { trustEndsAt, trustedSecretHash } from '../devices/trust.ts'
import type { User } from '../generated/prisma/client.ts'
import { noticeParameters } from '../mail/notices.ts'
import type { NewMail } from '../mail/outbox.ts'
import { grantsOf } from '../permissions/grants.ts'
import type { SessionWithAccount } from '../sessions/find-session.ts'
import { newSession } from '../sessions/start.ts'
import { assuranceOf, isAtLeast, proofTimes } from '../sessions/strength.ts'
import type { TokenTransport } from '../sessions/token-transport.ts'
import { usableDomain } from '../ways-in.ts'
import { type NextStep, type ProvedIdentity, type SealedTicket, sealSignIn } from './sign-in-ticket.ts'
import { type AccountChange, claimSql, orLost, startedColumns, startSession } from './start-session.ts'

/** A sign-in whose credentials are verified. */
export type SignIn = {
  /** As read before the credentials were verified. */
  account: User
  proofs: readonly (Pick<Proof, 'method' | 'at'> & Pick<Partial<Proof>, 'claim'>)[]
  /** The browser or app that signs in, known or new. */
  device: Device
  transport: TokenTransport
  remember: boolean
  deviceName: string | null | undefined
  /** Until when the device needs no second factor, if the user trusts it now. */
  trustedUntil?: Date | undefined
  /** What else the sign-in uses up, besides the claims of the proofs. The first that is lost decides the error. */
  claims?: readonly Claim[]
  change?: AccountChange
  /**
   * Starts a session that is weaker than the account demands, for someone who has yet to add a factor. It can do nothing
   * else: see isTooWeak in sessions/assurance.ts.
   */
  toEnroll?: boolean
  /** The ID of the session that starts; otherwise, it gets a new one. */
  sessionId?: string
  /** What proved the person, if a provider did. */
  identity?: ProvedIdentity | undefined
  /** Recorded together with the start of the session. */
  events?: readonly Pick<AuditEntry, 'action' | 'detail'>[]
  /** Queued together with the start of the session. */
  notice?: NewMail | undefined
  /** If the account demands a next step, keeps it in the transaction that makes the claims, so that it can be repeated. */
  keepNextStep?: ((connection: pg.PoolClient, next: Continued) => Promise<void>) | undefined
}

export type Started = {
  step: 'started'
  started: SessionWithAccount
  device: Device
  transport: TokenTransport
}
export type Continued = SealedTicket & {
  step: NextStep
  accountId: string
  methods: AuthMethod[]
  canTrustDevice: boolean
}
export type SignInOutcome = Started | Continued

/**
 * Every way to sign in ends here, unless start-together.ts has started the session already, which requires as much.
 * Starts a session if the proofs are as strong as the account demands.
 * Otherwise returns the ticket for the next step, which is all that the client gets: no session, no token, no cookie.
 * One statement decides and starts the session (see start-session.ts), so that no check is older than the session.
 * @returns undefined if the account has changed since it was read
 * @throws AuthError of the first claim that another request has made
 */
export async function finishSignIn(
  app: App,
  signIn: SignIn,
  request: RequestInfo,
): Promise<SignInOutcome | undefined> {
  const strength = assuranceOf({ ...proofTimes(signIn.proofs), authenticatedAt: app.clock.now() }).strength
  const satisfied = signIn.toEnroll === true || isAtLeast(strength, 'MULTI')
  const started = await start(app, signIn, satisfied, request)
  if (started || satisfied) return started
  return nextStep(app, signIn)
}

async function start(
  app: App,
  signIn: SignIn,
  satisfied: boolean,
  request: RequestInfo,
): Promise<Started | undefined> {
  const { account, proofs, device, transport, remember, deviceName, identity, change = 'none' } = signIn
  const { sessionId: id } = signIn
  const session = newSession(app, account.id, request, { proofs, remember, deviceName, id })
  const now = session.createdAt
  const eventRows = (...entries: Pick<AuditEntry, 'action' | 'detail'>[]) =>
    toRows(
      auditColumns,
      ...entries.map(entry =>
        toEvent(request, { ...entry, at: now, actorId: account.id, subjectId: account.id }),
      ),
    )
  const detail = {
    sessionId: session.id,
    methods: proofs.map(({ method }) => method),
    ...(identity && { provider: identity.provider }),
  }
  const newDevice = securityNotice(app, account, 'new-device', emailOriginOf(app, request))
  const row = await startSession(
    app.pool,
    [
      account.id,
      account.credentialVersion,
      now,
      toRows(startedColumns, {
        ...session,
        identityId: identity?.id ?? null,
        providerSid: identity?.sid ?? null,
        usedProofs: request.provenKey?.proofId ?? null,
      }),
      eventRows({ action: 'session.started', detail }, ...(signIn.events ?? [])),
      toDeviceRows(app, account.id, device, {
        deviceName: session.deviceName,
        ipAddress: session.ipAddress,
        trustedUntil: signIn.trustedUntil ?? null,
      }),
      app.config.sessions.max,
      newId(),
      ...noticeParameters(app, account, newDevice),
      satisfied,
      trustedSecretHash(app, device),
    ],
    {
      change,
      claims: claimsOf(signIn),
      notice: signIn.notice && noticeParameters(app, account, signIn.notice),
      weakerEnded:
        change === 'factor-added'
          ? eventRows({ action: 'session.revoked', detail: { because: 'second factor added' } })
          : undefined,
    },
  )
  if (!row) return undefined
  const [grants, credentialVersion] = row
  const signedIn = { ...account, ...grantsOf(app, grants), credentialVersion, lastLoginAt: now }
  return { step: 'started', started: { account: signedIn, session }, device, transport }
}

type Demand = [byOwner: boolean, onEveryDevice: boolean, trusted: boolean, ...FactorRow]

/** Makes the claims of the proofs, so that an emailed code is used up although it alone starts no session. */
const demandSql = (claims: readonly Claim[]) =>
  claimSql(
    `SELECT ${demandedByOwner}, ${demandedOnEveryDevice('$3')}, ${isTrusted('$4', '$3')}, ${factorColumns('$5')}
     FROM users u WHERE u.id = $1 AND u.credential_version = $2 AND u.disabled_at IS NULL
     ${claims.length > 0 ? 'FOR NO KEY UPDATE OF u' : ''}`,
    'account.*',
    claims,
    6,
  )

/** The step that the account demands next. Undefined if it has changed, or no longer demands one. */
async function nextStep(app: App, signIn: SignIn): Promise<Continued | undefined> {
  const { keepNextStep } = signIn
  if (!keepNextStep) return decideNextStep(app, signIn, app.pool)
  return inTransaction(app.pool, async connection => {
    const next = await decideNextStep(app, signIn, connection)
    if (next) await keepNextStep(connection, next)
    return next
  })
}

async function decideNextStep(
  app: App,
  signIn: SignIn,
  connection: pg.Pool | pg.PoolClient,
): Promise<Continued | undefined> {
  const { account, device, proofs } = signIn
  const claims = claimsOf(signIn)
  const select = statement<Demand>(['demand', ...claims.map(({ name }) => name)].join(' '), demandSql(claims))
  const trustedHash = trustedSecretHash(app, device)
  const parameters = [account.id, account.credentialVersion, app.clock.now(), trustedHash, usableDomain(app)]
  const values = [...parameters, ...claims.flatMap(claim => claim.values)]
  const [row] = await orLost(claims, select(connection, values))
  if (!row) return undefined
  const [byOwner, onEveryDevice, trusted, ...factors] = row
  if (!onEveryDevice && (!byOwner || trusted)) return undefined
  const methods = methodsIn(factors)
  const step: NextStep = methods ? 'secondFactor' : 'setup'
  // A role's demand holds on every device.
  const canTrustDevice = methods !== undefined && !onEveryDevice && trustEndsAt(app) !== undefined
  const sealed = sealSignIn(app, step, {
    ...signIn,
    canTrustDevice,
    accountId: account.id,
    credentialVersion: account.credentialVersion,
    proofs,
    deviceName: signIn.deviceName ?? null,
  })
  return { step, ...sealed, accountId: account.id, methods: methods ?? factorsToAdd(app), canTrustDevice }
}

/** The methods that can be added, the strongest first. */
function factorsToAdd({ config }: App): AuthMethod[] {
  return [
    ...(config.passkeys.enabled ? (['PASSKEY', 'SECURITY_KEY'] as const) : []),
    ...(config.totp ? (['TOTP'] as const) : []),
  ]
}

/**
 * The methods that complete a sign-in, the strongest first. Undefined if the account has none that can be used on this
 * server, such as a passkey with PASSKEYS=off: then its owner adds another one, rather than being locked out.
 */
function methodsIn([hasTotp, suspended, hasPasskey, hasKey, hasRecovery]: FactorRow):
  | AuthMethod[]
  | undefined {
  if (!hasTotp && !hasPasskey && !hasKey && !hasRecovery) return undefined
  return [
    ...(hasPasskey ? (['PASSKEY'] as const) : []),
    ...(hasKey ? (['SECURITY_KEY'] as const) : []),
    ...(hasTotp && !suspended ? (['TOTP'] as const) : []),
    ...(hasRecovery ? (['RECOVERY_CODE'] as const) : []),
  ]
}

function claimsOf({ claims = [], proofs }: SignIn): readonly Claim[] {
  return [...claims, ...proofs.flatMap(({ claim }) => claim ?? [])]
}
