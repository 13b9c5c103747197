import type { App } from '../app.ts'
import { type Origin, record } from '../audit/record.ts'
import type { SigningKey } from '../generated/prisma/client.ts'
import { reloadSigningKeys } from '../keys/reload.ts'
import { rotateSigningKey } from '../keys/signing-keys.ts'

/**
 * Makes a new signing key. It is published at once and signs when every cache has it, 7 minutes later;
 * the one before verifies on until the last token that it signed has expired.
 */
export async function rotateKeys(app: App, origin: Origin, actorId?: string): Promise<SigningKey> {
  const now = app.clock.now()
  const key = await app.db.$transaction(async tx => {
    const made = await rotateSigningKey(tx, app.keys.sealing, now)
    await record(tx, origin, { action: 'key.rotated', at: now, actorId, detail: { kid: made.kid } })
    return made
  })
  await reloadSigningKeys(app)
  return key
}
