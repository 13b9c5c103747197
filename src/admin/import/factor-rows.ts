import type { App } from '../../app.ts'
import { foreignCodeHash } from '../../credentials/imported-recovery-codes.ts'
import { passkeyColumns } from '../../credentials/passkey/new-passkey.ts'
import { sealTotpSecret } from '../../credentials/totp-proof.ts'
import { newBulkId } from '../../database/bulk-ids.ts'
import { type Columns, insertSql, toRows } from '../../database/insert.ts'
import type { RecoveryCode, Totp } from '../../generated/prisma/client.ts'
import type { ImportRow } from './import-row.ts'

const totpColumns = {
  userId: 'user_id',
  sealedSecret: 'sealed_secret',
  algorithm: 'algorithm',
  digits: 'digits',
  periodSeconds: 'period_seconds',
  lastStep: 'last_step',
  createdAt: 'created_at',
} as const satisfies Record<keyof Totp, string>

const codeColumns = {
  userId: 'user_id',
  slot: 'slot',
  hash: 'hash',
  usedAt: 'used_at',
} as const satisfies Record<keyof RecoveryCode, string>

/**
 * SQL of the CTEs that insert the factors in the parameters from `$first` on (see `factorRows`) for the accounts in the
 * CTE `taken`. A passkey that another account has is left out.
 */
export function factorsSql(first: number): string {
  const insert = (table: string, columns: Columns, parameter: number) =>
    `${insertSql(table, columns, parameter, 'taken')} WHERE taken.id = r.user_id`
  return `apps AS (${insert('totp', totpColumns, first)}),
     codes AS (${insert('recovery_codes', codeColumns, first + 1)}),
     keys AS (${insert('passkeys', passkeyColumns, first + 2)} ON CONFLICT DO NOTHING RETURNING user_id)`
}

/** The parameters of `factorsSql`. */
export function factorRows(app: App, rows: readonly ImportRow[], now: Date): [string, string, string] {
  const { rpId } = app.config.passkeys
  const apps = rows.flatMap(({ user: { id: userId }, totp }) =>
    totp
      ? [
          {
            userId,
            sealedSecret: sealTotpSecret(app, userId, totp.secret),
            ...totp.parameters,
            lastStep: 0,
            createdAt: now,
          },
        ]
      : [],
  )
  const codes = rows.flatMap(({ user: { id: userId }, recoveryCodes }) =>
    recoveryCodes.map((code, slot) => ({
      userId,
      usedAt: null,
      ...('slot' in code ? code : { slot, hash: foreignCodeHash(app, userId, code) }),
    })),
  )
  const passkeys = rows.flatMap(({ user, passkeys }) =>
    passkeys.map(passkey => ({
      ...passkey,
      id: newBulkId(),
      userId: user.id,
      rpId,
      createdAt: passkey.createdAt ?? user.createdAt,
    })),
  )
  return [toRows(totpColumns, ...apps), toRows(codeColumns, ...codes), toRows(passkeyColumns, ...passkeys)]
}
