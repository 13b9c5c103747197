import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { Context } from '../../context.ts'
import { openCeremony, passkeyField } from '../../credentials/passkey/ceremony-ticket.ts'
import { storedPasskey, verifyNewPasskey } from '../../credentials/passkey/new-passkey.ts'
import { requirePasskeys } from '../../credentials/passkey/stored.ts'
import { checkInput } from '../../input.ts'
import { type AddedFactor, addFactor } from '../../sign-in/add-factor.ts'

export const passkeyNameField = labelField(100)

const schema = z.object({ passkey: passkeyField, name: passkeyNameField.nullish() })

/**
 * Adds the passkey or the security key that a browser created for `beginPasskey`. It does not change whether the account
 * demands a second factor.
 * @throws AuthError as `addFactor`; BAD_USER_INPUT, PASSKEY_INVALID; CONFLICT if an account already has it, if the
 *   account has 50, or with PASSKEYS=off
 */
export async function addPasskey(context: Context, input: unknown): Promise<AddedFactor> {
  const { app } = context
  requirePasskeys(app)
  const { passkey: answer, name } = checkInput(schema, input)
  const { payload } = openCeremony(app, 'passkeyCreation', answer.ticket)
  const { enrollment, securityKey, automatic, userHandle } = payload
  const passkey = await verifyNewPasskey(app, answer, {
    userId: enrollment.user,
    userHandle,
    securityKey,
    automatic,
    name,
  })
  return addFactor(context, enrollment, {
    method: securityKey ? 'SECURITY_KEY' : 'PASSKEY',
    insert: storedPasskey(passkey),
    demands: false,
    unattended: automatic,
  })
}
