import { z } from 'zod'
import type { App } from '../../app.ts'
import { addSeconds } from '../../clock.ts'
import { openTicket, sealTicket, TICKETS, type Ticket } from '../../crypto/ticket.ts'
import { AuthError } from '../../errors.ts'
import { CEREMONY_TTL_SECONDS } from './ceremony.ts'

/** The ceremonies, each with what its ticket carries. A ticket of one is worthless in another. */
export type CeremonyPayloads = {
  passkeyLogin: null
  passkeyProof: { userId: string; sessionId: string }
  passkeyCreation: PasskeyCreation
  passkeyRegistration: PasskeyRegistration
}

/** A passkey that an account adds. */
export type PasskeyCreation = {
  /** Who adds it: see sign-in/enrollment.ts. */
  enrollment: {
    user: string
    version: number
    session: string | null
    signIn: string | null
    emailAtMs: number | null
  }
  /** Base64url. */
  userHandle: string
  /** Only a second factor. */
  securityKey: boolean
  /** Created by the browser without a person's touch, after a password sign-in. */
  automatic: boolean
}

/** An account that is created with a passkey. */
export type PasskeyRegistration = {
  email: string
  emailCanonical: string
  username: string | null
  displayName: string | null
  locale: string
  /** Base64url. */
  userHandle: string
}

/** A browser's answer to a ceremony. */
export const passkeyField = z.object({
  ticket: z.string(),
  credential: z.record(z.string(), z.unknown()),
})

export type PasskeyAnswer = z.output<typeof passkeyField>

type Purpose = keyof CeremonyPayloads

/** Begins a ceremony. Nothing is stored: the ticket carries everything, and its hash is the challenge. */
export function sealCeremony<Name extends Purpose>(
  app: App,
  purpose: Name,
  payload: CeremonyPayloads[Name],
): { ticket: string; expiresAt: Date } {
  const expiresAt = addSeconds(app.clock.now(), CEREMONY_TTL_SECONDS)
  return { ticket: sealTicket(app.keys.ticket, TICKETS[purpose], payload, expiresAt), expiresAt }
}

/** @throws AuthError TICKET_INVALID */
export function openCeremony<Name extends Purpose>(
  app: App,
  purpose: Name,
  ticket: string,
): Ticket<CeremonyPayloads[Name]> {
  const opened = openTicket<CeremonyPayloads[Name]>(
    app.keys.ticket,
    TICKETS[purpose],
    ticket,
    app.clock.now(),
  )
  if (!opened) throw new AuthError('TICKET_INVALID')
  return opened
}
