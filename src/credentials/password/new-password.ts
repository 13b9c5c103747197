import { z } from 'zod'
import type { App } from '../../app.ts'
import { badInput } from '../../errors.ts'
import { breachedInFile } from './breached-file.ts'
import { normalizePassword, passwordProblems } from './policy.ts'

/** No password is longer, wherever the account came from; more would only cost work. */
const PASSWORD_INPUT_MAX_LENGTH = 4096

const typedField = z
  .string()
  .min(1, 'Write the password.')
  .max(PASSWORD_INPUT_MAX_LENGTH, `Use at most ${PASSWORD_INPUT_MAX_LENGTH} characters.`)

/** A password as typed, in the form that is hashed. */
export const passwordField = typedField.transform(normalizePassword)

/** A password to be proved: in the form that is hashed here, and as typed, which is what other systems hashed. */
export type SubmittedPassword = { normal: string; typed: string }

export const submittedPasswordField = typedField.transform(
  (typed): SubmittedPassword => ({ normal: normalizePassword(typed), typed }),
)

/**
 * Makes sure that a password may be set. `words` are those an attacker would try first: the account's.
 * @throws AuthError BAD_USER_INPUT naming `field`
 */
export async function requireAcceptablePassword(
  app: App,
  password: string,
  field: string,
  words: (string | null | undefined)[],
): Promise<void> {
  const { minLength, maxLength, breachedFile } = app.config.passwords
  const problems = await passwordProblems(password, {
    minLength,
    maxLength,
    words: words.filter(word => word != null),
  })
  if (problems.length === 0 && breachedFile && (await breachedInFile(breachedFile, password))) {
    problems.push('This password is known from a data breach. Choose another.')
  }
  if (problems.length > 0) throw badInput({ [field]: problems })
}
