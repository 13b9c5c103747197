import { createCipheriv, createDecipheriv } from 'node:crypto'
import { randomBytes } from './random.ts'

const ID_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16
/** Longer than any ticket that a client carries. Longer ones are rejected before they are decoded. */
export const TICKET_MAX_LENGTH = 16_384

/** The purposes of tickets. A ticket opens only for the purpose it was sealed for. */
export const TICKETS = {
  /** Between the first proof of a sign-in and the second factor. */
  secondFactor: 'second-factor',
  /** Between the first proof of a sign-in and the set-up of the second factor that the account demands. */
  setup: 'setup',
  /** Between the creation and the confirmation of an authenticator app's secret. */
  totp: 'totp',
  /** The ceremony of a sign-in with a passkey. */
  passkeyLogin: 'passkey-login',
  /** The ceremony of a signed-in user who proves again who they are. */
  passkeyProof: 'passkey-proof',
  /** The ceremony of a passkey that an account adds. */
  passkeyCreation: 'passkey-creation',
  /** The ceremony of a passkey that a new account starts with. */
  passkeyRegistration: 'passkey-registration',
  /** Between the request for an email to sign in with and the code from that email. */
  emailLogin: 'email-login',
  /** What a sign-in with a provider keeps between its start and the callback. Stored, not handed out. */
  providerFlow: 'provider-flow',
  /** What a provider said, between the callback and the completion. Stored, not handed out. */
  providerOutcome: 'provider-outcome',
  /** The next step that a sign-in with a provider led to, in case the answer is lost. Stored, not handed out. */
  providerNextStep: 'provider-next-step',
  /** Between a sign-in with a provider and the account that its person creates. */
  providerSignUp: 'provider-sign-up',
  /** Between a sign-in with a provider and the account that it joins once its owner signs in. */
  providerLink: 'provider-link',
} as const

export type TicketPurpose = (typeof TICKETS)[keyof typeof TICKETS]

export type Ticket<Payload> = {
  /** A random UUID, which is all that a list of used tickets needs. */
  id: string
  expiresAt: Date
  payload: Payload
}

/**
 * Seals the data that a client carries from one step of a flow to the next, so that abandoned flows leave nothing in
 * the database. Uses AES-256-GCM with the purpose as additional data, so a ticket opens only for its own purpose.
 * `payload` must survive JSON. The result is base64url.
 */
export function sealTicket(key: Buffer, purpose: string, payload: unknown, expiresAt: Date): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose))
  const plain = Buffer.concat([
    randomBytes(ID_BYTES),
    Buffer.from(JSON.stringify([expiresAt.getTime(), payload])),
  ])
  const body = cipher.update(plain)
  // Returns nothing in GCM.
  cipher.final()
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
}

/**
 * Opens a ticket that `sealTicket` sealed. Undefined if it has expired, or if the key, the purpose or any byte differs.
 * One that this server stored itself can have any length.
 */
export function openTicket<Payload>(
  key: Buffer,
  purpose: string,
  ticket: string,
  now: Date,
  { stored = false } = {},
): Ticket<Payload> | undefined {
  if (!stored && ticket.length > TICKET_MAX_LENGTH) return undefined
  const plain = decrypt(key, purpose, Buffer.from(ticket, 'base64url'))
  if (!plain) return undefined
  const [expiresAtMs, payload] = JSON.parse(plain.subarray(ID_BYTES).toString()) as [number, Payload]
  if (expiresAtMs <= now.getTime()) return undefined
  return { id: toUuid(plain.subarray(0, ID_BYTES)), expiresAt: new Date(expiresAtMs), payload }
}

function decrypt(key: Buffer, purpose: string, bytes: Buffer): Buffer | undefined {
  if (bytes.length < IV_BYTES + TAG_BYTES + ID_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  try {
    const plain = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES))
    // Returns nothing in GCM, and throws unless the tag is right.
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

function toUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
