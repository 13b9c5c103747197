import type { ProviderLink, ProviderSignUp } from '../client/index.ts'
import { readStored, writeStored } from './browser-storage.ts'

/** An account at another service that has no account here yet. */
export type UnconnectedIdentity = ProviderSignUp | ProviderLink

const KEY = 'authograph.identity'
const TICKET_KEY = 'authograph.sign-up'

/** Remembers in this tab what came back from a service, so that the page survives a reload. */
export function rememberIdentity(identity: UnconnectedIdentity): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(identity))
  } catch {
    // Storage is blocked: it is gone with the page.
  }
}

export function forgetIdentity(): void {
  try {
    sessionStorage.removeItem(KEY)
  } catch {}
}

/** What this tab remembers. Undefined if there is nothing, or it has expired. */
export function rememberedIdentity(): UnconnectedIdentity | undefined {
  try {
    const identity = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as UnconnectedIdentity | null
    return identity && Date.parse(identity.expiresAt) > Date.now() ? identity : undefined
  } catch {
    return undefined
  }
}

/**
 * Remembers in this browser who began a sign-up, because the link in the email opens another tab. Only with this ticket
 * does the link connect the service.
 */
export function rememberSignUp({ ticket, expiresAt }: ProviderSignUp): void {
  writeStored(TICKET_KEY, JSON.stringify({ ticket, expiresAt }))
}

/** The ticket of the sign-up that began in this browser; undefined if there is none. */
export function rememberedSignUp(): string | undefined {
  try {
    const kept = JSON.parse(readStored(TICKET_KEY) || 'null') as Pick<
      ProviderSignUp,
      'ticket' | 'expiresAt'
    > | null
    return kept && Date.parse(kept.expiresAt) > Date.now() ? kept.ticket : undefined
  } catch {
    return undefined
  }
}

export function forgetSignUp(): void {
  if (readStored(TICKET_KEY)) writeStored(TICKET_KEY, '')
}
