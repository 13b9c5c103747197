import type { App } from '../../app.ts'
import { isForeignHash } from '../../credentials/imported-recovery-codes.ts'
import { totpSecretText } from '../../credentials/totp.ts'
import { openTotpSecret } from '../../credentials/totp-proof.ts'

/** The second factors of an account in the format that `import-users` reads. */
export type ExportedFactors = {
  totp: { secret: string; algorithm: string; digits: number; period: number } | null
  /** The unused codes. Those of another system are stored under a key of this server, and are left out. */
  recoveryCodes: { slot: number; hash: string }[]
  passkeys: Record<string, unknown>[]
}

/** SQL of the columns that `toExportedFactors` reads, of the account `u`. */
export const exportedFactorColumns = `
  (SELECT jsonb_build_object('sealed', t.sealed_secret, 'algorithm', t.algorithm, 'digits', t.digits,
     'period', t.period_seconds) FROM totp t WHERE t.user_id = u.id),
  (SELECT jsonb_agg(jsonb_build_object('slot', c.slot, 'hash', c.hash) ORDER BY c.slot)
     FROM recovery_codes c WHERE c.user_id = u.id AND c.used_at IS NULL),
  (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
     'credentialId', replace(encode(p.credential_id, 'base64'), E'\\n', ''),
     'publicKey', replace(encode(p.public_key, 'base64'), E'\\n', ''),
     'userHandle', replace(encode(coalesce(p.user_handle, u.webauthn_handle), 'base64'), E'\\n', ''),
     'counter', p.counter, 'transports', to_jsonb(p.transports), 'discoverable', p.discoverable,
     'backupEligible', p.backup_eligible, 'backedUp', p.backed_up, 'aaguid', p.aaguid, 'name', p.name,
     'createdAt', p.created_at, 'lastUsedAt', p.last_used_at)) ORDER BY p.id)
     FROM passkeys p WHERE p.user_id = u.id)`

type Row = [
  totp: { sealed: string; algorithm: string; digits: number; period: number } | null,
  codes: ExportedFactors['recoveryCodes'] | null,
  passkeys: ExportedFactors['passkeys'] | null,
]

/** The factors in the columns `exportedFactorColumns`. */
export function toExportedFactors(app: App, userId: string, row: unknown[]): ExportedFactors {
  const [totp, codes, passkeys] = row as Row
  const hashes = (codes ?? []).filter(({ hash }) => !isForeignHash(hash))
  if (!totp) return { totp, recoveryCodes: hashes, passkeys: passkeys ?? [] }
  const { sealed, ...parameters } = totp
  const secret = totpSecretText(openTotpSecret(app, userId, sealed))
  return { totp: { secret, ...parameters }, recoveryCodes: hashes, passkeys: passkeys ?? [] }
}
