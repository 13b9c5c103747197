import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import type { Claim, Proof } from './proof.ts'
import { parseRecoveryCode } from './recovery-codes.ts'

const select = statement<[slot: number, hash: string]>(
  'recovery-codes-of',
  'SELECT slot, hash FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL',
)

export type RecoveryCheck =
  | {
      proof: Proof
      /** The number of unused codes after this one. */
      left: number
    }
  | { refused: 'wrong' }

/** Checks a recovery code. It costs one hash, because the code names its slot. The proof's claim uses it up. */
export async function checkRecoveryCode(app: App, accountId: string, text: string): Promise<RecoveryCheck> {
  const typed = parseRecoveryCode(text)
  if (!typed) return { refused: 'wrong' }
  const unused = await select(app.pool, [accountId])
  const [, hash] = unused.find(([slot]) => slot === typed.slot) ?? []
  if (!(await app.hasher.verify(hash, typed.code)) || hash === undefined) return { refused: 'wrong' }
  const at = app.clock.now()
  const claim = usedCode(accountId, typed.slot, hash, at)
  return { proof: { accountId, method: 'RECOVERY_CODE', at, claim }, left: unused.length - 1 }
}

function usedCode(accountId: string, slot: number, hash: string, at: Date): Claim {
  return {
    name: 'recovery',
    sql: first =>
      `UPDATE recovery_codes SET used_at = $${first + 3} FROM account
       WHERE user_id = $${first}::uuid AND slot = $${first + 1} AND hash = $${first + 2} AND used_at IS NULL
       RETURNING user_id`,
    values: [accountId, slot, hash, at],
    lost: () => new AuthError('CODE_INVALID', { cause: 'another request used the recovery code' }),
  }
}
