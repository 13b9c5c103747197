import { findUserById } from '../accounts/account.ts'
import type { App } from '../app.ts'
import { addSeconds } from '../clock.ts'
import type { AuthMethod, Claim, Proof } from '../credentials/proof.ts'
import { openTicket, sealTicket, TICKETS } from '../crypto/ticket.ts'
import { type Device, readDevice } from '../devices/device.ts'
import { AuthError } from '../errors.ts'
import type { User } from '../generated/prisma/client.ts'
import type { TokenTransport } from '../sessions/token-transport.ts'

/** How long each step of a sign-in may take. */
export const TICKET_TTL_SECONDS = 600

/** The identity at a provider that proved a person, and the provider's ID of its own session. */
export type ProvedIdentity = { id: string; provider: string; sid: string | null }

/** A sign-in that is not complete, as its client carries it. */
export type PendingSignIn = {
  accountId: string
  credentialVersion: number
  proofs: readonly Pick<Proof, 'method' | 'at'>[]
  transport: TokenTransport
  remember: boolean
  deviceName: string | null
  device: Device
  /** Whether the device may become trusted. */
  canTrustDevice: boolean
  identity?: ProvedIdentity | undefined
}

type Payload = {
  user: string
  version: number
  proofs: [method: AuthMethod, atMs: number][]
  transport: TokenTransport
  remember: boolean
  deviceName: string | null
  device: string
  trust: boolean
  identity?: ProvedIdentity | undefined
}

export type SealedTicket = { ticket: string; expiresAt: Date }

/** The next step of a sign-in: a second factor, or the set-up of one. */
export type NextStep = 'secondFactor' | 'setup'

/** Seals a sign-in for its next step. The ticket proves nothing by itself and starts no session. */
export function sealSignIn(app: App, step: NextStep, pending: PendingSignIn): SealedTicket {
  const expiresAt = addSeconds(app.clock.now(), TICKET_TTL_SECONDS)
  const payload: Payload = {
    user: pending.accountId,
    version: pending.credentialVersion,
    proofs: pending.proofs.map(({ method, at }) => [method, at.getTime()]),
    transport: pending.transport,
    remember: pending.remember,
    deviceName: pending.deviceName,
    device: pending.device.token,
    trust: pending.canTrustDevice,
    identity: pending.identity,
  }
  return { ticket: sealTicket(app.keys.ticket, TICKETS[step], payload, expiresAt), expiresAt }
}

export type OpenedSignIn = PendingSignIn & {
  /** The ticket's ID. */
  id: string
  /** Uses up the ticket when the session starts. */
  claim: Claim
}

/**
 * Opens the ticket of a sign-in for this step.
 * @throws AuthError TICKET_INVALID
 */
export function openSignIn(app: App, step: NextStep, ticket: string): OpenedSignIn {
  const opened = openTicket<Payload>(app.keys.ticket, TICKETS[step], ticket, app.clock.now())
  const device = opened && readDevice(app, opened.payload.device)
  if (!opened || !device) throw ticketInvalid('unknown or expired')
  const { user, version, proofs, transport, remember, deviceName } = opened.payload
  return {
    id: opened.id,
    accountId: user,
    credentialVersion: version,
    proofs: proofs.map(([method, atMs]) => ({ method, at: new Date(atMs) })),
    transport,
    remember,
    deviceName,
    device,
    canTrustDevice: opened.payload.trust,
    identity: opened.payload.identity,
    claim: spentTicket(opened),
  }
}

/**
 * The account of a sign-in, if nothing has changed that may sign in to it.
 * @throws AuthError TICKET_INVALID
 */
export async function requireUnchanged(
  app: App,
  { accountId, credentialVersion }: Pick<PendingSignIn, 'accountId' | 'credentialVersion'>,
): Promise<User> {
  const account = await findUserById(app, accountId)
  if (!account || account.credentialVersion !== credentialVersion || account.disabledAt)
    throw ticketInvalid('the account has changed')
  return account
}

/** Uses up a ticket: the primary key lets one statement do so. Only a success adds a row. */
export function spentTicket({ id, expiresAt }: { id: string; expiresAt: Date }): Claim {
  return {
    name: 'ticket',
    sql: first =>
      `INSERT INTO spent_tickets (id, expires_at) SELECT $${first}::uuid, $${first + 1}::timestamptz FROM account
       ON CONFLICT DO NOTHING RETURNING id`,
    values: [id, expiresAt],
    lost: () => ticketInvalid('used before'),
  }
}

/** The ticket is wrong, or no longer fits the account. `cause` is for the log. */
export function ticketInvalid(cause: string): AuthError {
  return new AuthError('TICKET_INVALID', { cause })
}
