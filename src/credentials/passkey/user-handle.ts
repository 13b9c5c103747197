import { randomBytes } from 'node:crypto'
import type { App } from '../../app.ts'
import { statement } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'

const HANDLE_BYTES = 32

/**
 * A new user handle. Random, because an authenticator shows it to anyone who holds it (WebAuthn Level 3, section
 * 14.6.1).
 */
export function newUserHandle(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(randomBytes(HANDLE_BYTES))
}

const ensure = statement<[handle: Buffer]>(
  'user-handle',
  `WITH created AS (
     UPDATE users SET webauthn_handle = $2 WHERE id = $1 AND webauthn_handle IS NULL RETURNING webauthn_handle
   ) SELECT webauthn_handle FROM created
   UNION ALL SELECT webauthn_handle FROM users WHERE id = $1 AND webauthn_handle IS NOT NULL`,
)

/**
 * The user handle of the account's passkeys. Created when it is first needed; of two requests at the same time, one
 * creates it.
 * @throws AuthError NOT_FOUND if the account was deleted in the meantime
 */
export async function userHandleOf({ pool }: App, userId: string): Promise<Uint8Array<ArrayBuffer>> {
  const read = () => ensure(pool, [userId, Buffer.from(newUserHandle())])
  // A statement that waited for another to create the handle does not see it. The second one does.
  const [row = (await read())[0]] = await read()
  if (!row) throw new AuthError('NOT_FOUND')
  return new Uint8Array(row[0])
}
