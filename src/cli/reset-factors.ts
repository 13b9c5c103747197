import { resetFactorsOf } from '../admin/users/reset-factors.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

type Options = { email: string; reason: string; json?: boolean }

export async function resetFactors({ email, reason, json }: Options): Promise<void> {
  await withApp(async app => {
    const removed = await resetFactorsOf(app, email, reason)
    const kinds = [
      count(removed.authenticatorApps, 'authenticator app'),
      count(removed.passkeys, 'passkey or security key', 'passkeys and security keys'),
      count(removed.recoveryCodes, 'recovery code'),
    ].filter(kind => kind !== undefined)
    const text =
      kinds.length === 0
        ? `${email} has no second factor. Nothing changed.`
        : `Removed from ${email}: ${kinds.join(', ')}. The sessions of the account have ended, and its next sign-in must add a second factor.`
    print(text, { email, removed }, json)
  })
}

function count(number: number, one: string, many = `${one}s`): string | undefined {
  return number === 0 ? undefined : `${number} ${number === 1 ? one : many}`
}
