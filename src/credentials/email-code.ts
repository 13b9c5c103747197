import { createHmac, randomInt } from 'node:crypto'
import { mailboxOf } from '../accounts/email.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { hashedSubject } from '../rate-limit/hashed-subject.ts'
import { type Attempt, countAttempt, forgiveAttempts } from '../rate-limit/limit.ts'

/** How often a code can be tried. After that, even the correct code is invalid. */
export const EMAIL_CODE_TRIES = 5

const DIGITS = 6

/** A new code: six random digits. Only for the email; the database stores `emailCodeHmac`. */
export function newEmailCode(): string {
  return String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
}

/** The code in what a person typed, perhaps in groups; undefined if it is no code. */
export function parseEmailCode(text: string): string | undefined {
  const code = text.replace(/[\s-]/g, '')
  return new RegExp(`^\\d{${DIGITS}}$`).test(code) ? code : undefined
}

/**
 * What the database stores of a code: an HMAC under a server key, so that a copy of the database does not reveal a code
 * that has only a million values. `subject` is what the code was sent for, such as the ID of a ticket or of a session; the
 * code is worthless for any other.
 */
export function emailCodeHmac({ keys }: Pick<App, 'keys'>, subject: string, code: string): Buffer {
  return createHmac('sha256', keys.emailCode).update(`${subject} ${code}`).digest()
}

/**
 * Counts a try of a code that was sent to this address. All codes to one mailbox share the count, so that requesting
 * another email gives no further tries. An address without an account is counted alike.
 * @returns the attempt, to pass to `forgiveEmailCode` if the code is correct
 * @throws AuthError RATE_LIMITED
 */
export async function countEmailCode(
  app: App,
  emailCanonical: string,
  request: RequestInfo,
): Promise<Attempt> {
  const subject = hashedSubject(app, mailboxOf(emailCanonical))
  const attempt: Attempt = { rule: 'email-code.account', subject, name: emailCanonical }
  await countAttempt(app, [attempt], request)
  return attempt
}

/** Gives back the try of a correct code. Earlier wrong ones stay counted. */
export function forgiveEmailCode(app: App, attempt: Attempt): Promise<void> {
  return forgiveAttempts(app, [], [attempt])
}
