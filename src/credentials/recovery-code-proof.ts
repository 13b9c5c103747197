import type { App } from '../app.ts'
import { statement } from '../database/client.ts'
import { AuthError } from '../errors.ts'
import { findForeignHash, isForeignHash } from './imported-recovery-codes.ts'
import type { Claim, Proof } from './proof.ts'
import { parseRecoveryCode } from './recovery-codes.ts'

type StoredCode = [slot: number, hash: string]

const select = statement<StoredCode>(
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
  const unused = await select(app.pool, [accountId])
  const found = findForeign(app, accountId, unused, text) ?? (await findOwn(app, unused, text))
  if (!found) return { refused: 'wrong' }
  const at = app.clock.now()
  const claim = usedCode(accountId, ...found, at)
  return { proof: { accountId, method: 'RECOVERY_CODE', at, claim }, left: unused.length - 1 }
}

async function findOwn(app: App, unused: StoredCode[], text: string): Promise<StoredCode | undefined> {
  const typed = parseRecoveryCode(text)
  if (!typed) return undefined
  const found = unused.find(([slot, hash]) => slot === typed.slot && !isForeignHash(hash))
  return (await app.hasher.verify(found?.[1], typed.code)) ? found : undefined
}

/** A code that was imported from another system. */
function findForeign(
  app: App,
  accountId: string,
  unused: StoredCode[],
  text: string,
): StoredCode | undefined {
  const foreign = unused.map(([, hash]) => hash).filter(isForeignHash)
  if (foreign.length === 0) return undefined
  const hash = findForeignHash(app, accountId, foreign, text)
  return unused.find(([, stored]) => stored === hash)
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
