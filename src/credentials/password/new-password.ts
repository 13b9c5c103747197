import { z } from 'zod'
import type { App } from '../../app.ts'
import { badInput } from '../../errors.ts'
import { breachedInFile } from './breached-file.ts'
import { normalizePassword, passwordProblems } from './policy.ts'

/** Longer than any real password, including those of imported accounts; even longer input would only cost work. */
const PASSWORD_INPUT_MAX_LENGTH = 4096

/** Refuses a new password that is the current one: people often change a password because someone else knows it. */
export const SAME_PASSWORD = 'This is your current password. Choose a different one.'

const typedField = z
  .string()
  .min(1, 'Enter a password.')
  .max(PASSWORD_INPUT_MAX_LENGTH, `Use at most ${PASSWORD_INPUT_MAX_LENGTH} characters.`)

/** A new password, in the form that is hashed. */
export const passwordField = typedField.transform(normalizePassword)

/** A password to verify: `normal` is the form that this server hashes, `typed` the one that other systems hashed. */
export type SubmittedPassword = { normal: string; typed: string }

export const submittedPasswordField = typedField.transform(
  (typed): SubmittedPassword => ({ normal: normalizePassword(typed), typed }),
)

/**
 * Checks that a password may be set. `words` are words of the account, which an attacker would try first.
 * @throws AuthError BAD_USER_INPUT that names `field`
 */
export async function requireAcceptablePassword(
  app: App,
  password: string,
  field: string,
  words: (string | null | undefined)[],
): Promise<void> {
  const problems = await newPasswordProblems(app, password, words)
  if (problems.length > 0) throw badInput({ [field]: problems })
}

/** Why this server refuses a password, for its owner; empty if it accepts it. */
export async function newPasswordProblems(
  app: App,
  password: string,
  words: (string | null | undefined)[],
): Promise<string[]> {
  const { minLength, maxLength, breachedFile } = app.config.passwords
  const problems = await passwordProblems(password, {
    minLength,
    maxLength,
    words: words.filter(word => word != null),
  })
  if (problems.length === 0 && breachedFile && (await breachedInFile(breachedFile, password))) {
    problems.push('This password appears in a data breach. Choose a different one.')
  }
  return problems
}
