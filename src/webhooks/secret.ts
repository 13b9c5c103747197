import type { App } from '../app.ts'
import { seal, unseal } from '../crypto/seal.ts'

/** Seals the secret of a webhook under a server key, so that replacing AUTHOGRAPH_SECRET changes no row. */
export function sealSecret(app: App, webhookId: string, secret: string): string {
  return seal(Buffer.from(secret), purposeOf(webhookId), keyOf(app))
}

/** @throws Error if it was sealed for another webhook */
export function openSecret(app: App, webhookId: string, sealed: string): string {
  return unseal(sealed, purposeOf(webhookId), { current: keyOf(app), previous: [] }).plain.toString()
}

function purposeOf(webhookId: string): string {
  return `webhook ${webhookId}`
}

function keyOf({ keys }: App) {
  return { id: 'webhook', key: keys.webhookSecrets }
}
