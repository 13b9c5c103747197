import { z } from 'zod'
import type { App } from '../app.ts'
import { badInput } from '../errors.ts'
import { breachedInFile } from './breached-file.ts'
import { normalizePassword, passwordProblems } from './policy.ts'

/** No password is longer, wherever the account came from; more would only cost work. */
const PASSWORD_INPUT_MAX_LENGTH = 4096

/** A password as typed, in the form that is hashed. */
export const passwordField = z
  .string()
  .min(1, 'Write the password.')
  .max(PASSWORD_INPUT_MAX_LENGTH, `Use at most ${PASSWORD_INPUT_MAX_LENGTH} characters.`)
  .transform(normalizePassword)

/**
 * Makes sure that a password may be set. `words` are those an attacker would try first: the account's.
 * @throws AuthError BAD_USER_INPUT naming `field`
 */
export async function requireGoodPassword(
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
