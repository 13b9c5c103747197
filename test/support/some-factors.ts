import { randomBytes } from 'node:crypto'
import type { Service } from './service.ts'

/** Gives an account an authenticator app, whose secret no test needs. */
export async function addSomeTotp({ app, clock }: Service, userId: string): Promise<void> {
  const data = { algorithm: 'SHA1', digits: 6, periodSeconds: 30, lastStep: 0, createdAt: clock.now() }
  await app.db.totp.create({ data: { userId, sealedSecret: 'x', ...data } })
}

/** Gives an account a passkey, whose key no test needs. */
export async function addSomePasskey({ app, clock }: Service, userId: string): Promise<void> {
  await app.db.passkey.create({
    data: {
      userId,
      credentialId: new Uint8Array(randomBytes(16)),
      publicKey: new Uint8Array(randomBytes(16)),
      counter: 0,
      backupEligible: true,
      backedUp: true,
      discoverable: true,
      rpId: app.config.passkeys.rpId,
      transports: ['internal'],
      aaguid: '00000000-0000-0000-0000-000000000000',
      name: 'Passkey',
      createdAt: clock.now(),
    },
  })
}

/** Gives an account ten recovery codes, which no test needs. */
export async function addSomeRecoveryCodes({ app }: Service, userId: string): Promise<void> {
  const data = Array.from({ length: 10 }, (_, slot) => ({ userId, slot, hash: `x${slot}` }))
  await app.db.recoveryCode.createMany({ data })
}
