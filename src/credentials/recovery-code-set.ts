import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Claim } from './proof.ts'
import { displayRecoveryCode, newRecoveryCodes } from './recovery-codes.ts'

export type RecoveryCodeSet = {
  /** As people see them. Show them once. */
  shown: string[]
  rows: { slot: number; hash: string }[]
  /** Stores them and deletes the earlier ones, together with the change that they belong to. */
  claim: Claim
}

/** Ten new recovery codes, hashed before any transaction. */
export async function newRecoveryCodeSet(app: App, accountId: string): Promise<RecoveryCodeSet> {
  const codes = newRecoveryCodes()
  const hashes: string[] = []
  // One after the other, so that other sign-ins need not wait for all ten.
  for (const { code } of codes) hashes.push(await app.hasher.hash(code))
  return {
    rows: hashes.map((hash, slot) => ({ slot, hash })),
    shown: codes.map(({ code }) => displayRecoveryCode(code)),
    claim: {
      name: 'codes',
      sql: first =>
        `INSERT INTO recovery_codes (user_id, slot, hash)
         SELECT $${first}::uuid, c.place - 1, c.hash
         FROM account, unnest($${first + 1}::text[]) WITH ORDINALITY AS c (hash, place)
         ON CONFLICT (user_id, slot) DO UPDATE SET hash = excluded.hash, used_at = NULL RETURNING slot`,
      values: [accountId, hashes],
      lost: () => new AuthError('CONFLICT'),
    },
  }
}

const count = statement<[count: number]>(
  'recovery-codes-count',
  'SELECT count(*)::int FROM recovery_codes WHERE user_id = $1',
)

/** Whether the account has been given recovery codes, used or not. */
export async function hasRecoveryCodes(app: App, accountId: string): Promise<boolean> {
  const [row] = await count(app.pool, [accountId])
  return row !== undefined && row[0] > 0
}
