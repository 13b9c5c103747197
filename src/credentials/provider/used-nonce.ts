import { createHash } from 'node:crypto'
import type { App } from '../../app.ts'
import { statement } from '../../database/client.ts'

// The primary key decides which of several uses is the first.
const insertNonce = statement(
  'use-nonce',
  'INSERT INTO used_nonces (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1',
)

/**
 * Uses up what may be used once until `expiresAt`: a nonce, a token or the ID of one. Stores a hash only. Returns
 * whether this was its first use. `kind` keeps those of one kind apart from those of another.
 */
export async function useOnce(app: App, kind: string, text: string, expiresAt: Date): Promise<boolean> {
  const hash = createHash('sha256').update(`${kind}\0${text}`).digest()
  return (await insertNonce(app.pool, [hash, expiresAt])).length > 0
}
