import type { AuthMethod, Proof } from '../credentials/proof.ts'
import type { Session } from '../generated/prisma/client.ts'

/** How strongly a session has proved who uses it, the weakest first. */
export const authStrengths = {
  SINGLE: 'SINGLE',
  MULTI: 'MULTI',
  PHISHING_RESISTANT: 'PHISHING_RESISTANT',
} as const

export type AuthStrength = keyof typeof authStrengths

/** When each method was last proved. */
export type ProofTimes = Pick<
  Session,
  'passwordAt' | 'emailAt' | 'passkeyAt' | 'keyAt' | 'totpAt' | 'recoveryAt' | 'providerAt'
>

const timeOf = {
  PASSWORD: 'passwordAt',
  EMAIL: 'emailAt',
  PASSKEY: 'passkeyAt',
  SECURITY_KEY: 'keyAt',
  TOTP: 'totpAt',
  RECOVERY_CODE: 'recoveryAt',
  PROVIDER: 'providerAt',
} as const satisfies Record<AuthMethod, keyof ProofTimes>

const methods = Object.keys(timeOf) as AuthMethod[]

export const NO_PROOFS: ProofTimes = {
  passwordAt: null,
  emailAt: null,
  passkeyAt: null,
  keyAt: null,
  totpAt: null,
  recoveryAt: null,
  providerAt: null,
}

/** What tells how strongly a session was authenticated. */
export type ProvedSession = ProofTimes &
  Pick<Session, 'authenticatedAt'> &
  Partial<Pick<Session, 'actorSessionId'>>

/** The times of the proofs that a session starts with. */
export function proofTimes(proofs: readonly Pick<Proof, 'method' | 'at'>[]): ProofTimes {
  const times = { ...NO_PROOFS }
  for (const { method, at } of proofs) times[timeOf[method]] = later(times[timeOf[method]], at)
  return times
}

/** The times of a session's proofs after further ones. */
export function addProofs(session: ProofTimes, proofs: readonly Pick<Proof, 'method' | 'at'>[]): ProofTimes {
  const added = proofTimes(proofs)
  const times = { ...NO_PROOFS }
  for (const method of methods) times[timeOf[method]] = later(session[timeOf[method]], added[timeOf[method]])
  return times
}

/** A session that an earlier version started has no proofs: it was started with a password. */
function timesOf(session: ProofTimes & Partial<ProvedSession>): ProofTimes {
  // In the session of an administrator who acts as the account, nothing was proved.
  if (session.authenticatedAt === undefined || session.actorSessionId) return session
  if (methods.some(method => session[timeOf[method]])) return session
  return { ...NO_PROOFS, passwordAt: session.authenticatedAt }
}

/** The methods that were proved in the session. */
export function methodsOf(session: ProofTimes & Partial<ProvedSession>): AuthMethod[] {
  const times = timesOf(session)
  return methods.filter(method => times[timeOf[method]])
}

/** A strength, and since when the proofs that make it up have all been fresh. */
export type Assurance = { strength: AuthStrength; since: Date }

/**
 * Since when the proofs that make up `required`, or more, have all been fresh: the earliest of them, each at its latest
 * time. Null if the session has not proved as much.
 */
export function provedAt(session: ProvedSession, required: AuthStrength): Date | null {
  const { passkeyAt, keyAt, totpAt, recoveryAt, ...times } = timesOf(session)
  const first = firstOf(times)
  const resistant = later(passkeyAt, earlier(first, keyAt))
  if (required === 'PHISHING_RESISTANT') return resistant
  const multi = later(resistant, earlier(first, later(totpAt, recoveryAt)))
  return required === 'MULTI' ? multi : later(multi, first)
}

/**
 * The strength of the proofs. A mailbox is never a second factor, and neither is a sign-in with a provider: a password and
 * an emailed code are SINGLE. `since` is the earliest of the proofs that make up the strength, each at its latest time.
 */
export function assuranceOf(session: ProvedSession): Assurance {
  const { passkeyAt, keyAt, totpAt, recoveryAt, ...times } = timesOf(session)
  const first = firstOf(times)
  const resistant = later(passkeyAt, earlier(first, keyAt))
  if (resistant) return { strength: 'PHISHING_RESISTANT', since: resistant }
  const multi = earlier(first, later(totpAt, recoveryAt))
  if (multi) return { strength: 'MULTI', since: multi }
  return { strength: 'SINGLE', since: first ?? session.authenticatedAt }
}

const RANK = { SINGLE: 0, MULTI: 1, PHISHING_RESISTANT: 2 } as const satisfies Record<AuthStrength, number>

/** Whether a strength is at least as high as another. */
export function isAtLeast(strength: AuthStrength, required: AuthStrength): boolean {
  return RANK[strength] >= RANK[required]
}

/** Authentication context class references, as in OpenID Connect's Extended Authentication Profile. */
export const ACR = {
  SINGLE: '1fa',
  MULTI: 'mfa',
  PHISHING_RESISTANT: 'phr',
} as const satisfies Record<AuthStrength, string>

/** The strength of an access token with this `acr`. Earlier versions issued tokens without one. */
export function strengthOfAcr(acr: string | undefined): AuthStrength {
  const strengths = Object.keys(ACR) as AuthStrength[]
  return strengths.find(strength => ACR[strength] === acr) ?? 'SINGLE'
}

/** RFC 8176, and `email`, `recovery` and `fed` (federated), which it does not define. */
const AMR: Record<AuthMethod, readonly string[]> = {
  PASSWORD: ['pwd'],
  EMAIL: ['email'],
  PASSKEY: ['pop', 'user'],
  SECURITY_KEY: ['pop', 'user'],
  TOTP: ['otp'],
  RECOVERY_CODE: ['recovery'],
  PROVIDER: ['fed'],
}

export type AssuranceClaims = { acr: string; amr: string[]; auth_time: number }

/** The claims of an access token about how its session was authenticated (OpenID Connect Core 1.0, section 2). */
export function assuranceClaims(session: ProvedSession): AssuranceClaims {
  const { strength, since } = assuranceOf(session)
  const amr = new Set(methodsOf(session).flatMap(method => AMR[method]))
  if (strength !== 'SINGLE') amr.add('mfa')
  return { acr: ACR[strength], amr: [...amr], auth_time: Math.floor(since.getTime() / 1000) }
}

/** The latest of the proofs that none of the others adds to. */
function firstOf({
  passwordAt,
  emailAt,
  providerAt,
}: Pick<ProofTimes, 'passwordAt' | 'emailAt' | 'providerAt'>) {
  return later(later(passwordAt, emailAt), providerAt)
}

function later(one: Date | null, other: Date | null): Date | null {
  if (!one || !other) return one ?? other
  return one > other ? one : other
}

/** Null unless both are given. */
function earlier(one: Date | null, other: Date | null): Date | null {
  if (!one || !other) return null
  return one < other ? one : other
}
