import { commonPasswords } from './common-passwords.ts'
import { foldPassword, log10Guesses } from './guesses.ts'

// 30 million guesses: a week on one core at 20 ms per argon2 hash, and out of reach over the network. The estimate
// undervalues random characters, so a higher minimum would refuse random passwords of 8 characters.
const MIN_LOG10_GUESSES = 7.5

// Beyond what the policy requires. A stolen hash takes a core at 20 ms per hash 6 years at 10^10 guesses, and 60,000 at
// 10^14.
const GOOD_LOG10_GUESSES = 10
const STRONG_LOG10_GUESSES = 14

/** How hard a password that the policy accepts is to guess. */
export type PasswordStrength = 'FAIR' | 'GOOD' | 'STRONG'

export type PasswordRules = {
  /** In code points. */
  minLength: number
  maxLength: number
  /** The account's email address, username and display name. Their parts count too. */
  words: string[]
}

/**
 * The form of a password that is hashed and compared. It has the same bytes whichever keyboard the password was typed
 * on: NFKC (NIST SP 800-63B-3 section 5.1.1.2), which also turns the full-width letters of an input method into plain
 * ones, with every Unicode space replaced by U+0020 (RFC 8265 section 4.2). Revision 4 and RFC 8265 require only NFC;
 * what NFKC merges beyond that makes guessing hardly easier. Trims nothing and keeps case. Idempotent; never throws.
 *
 * An unpaired surrogate becomes U+FFFD, as it would in UTF-8. The policy refuses U+FFFD, so no stored hash contains it.
 */
export function normalizePassword(password: string): string {
  return password
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(/\p{Space_Separator}/gu, ' ')
    .normalize('NFKC')
}

/** The length that the rules limit: code points of the normalized password (SP 800-63B-4 section 3.1.1.2). */
export function passwordLength(password: string): number {
  let length = 0
  for (const _ of normalizePassword(password)) length += 1
  return length
}

/**
 * Why a password may not be set, as messages for its owner; empty if it may. Refuses a password that is too short or
 * too long, has invisible control characters (RFC 8264 section 9.12), equals or resembles a breached password, or falls
 * within 10^7.5 guesses of an attacker who knows the account. There are no composition rules (SP 800-63B-4 section
 * 3.1.1.2). Takes about 0.05 ms and never more than 5 ms; the first call also reads the list of breached passwords.
 */
export async function passwordProblems(password: string, rules: PasswordRules): Promise<string[]> {
  const { minLength, maxLength, words } = rules
  const normalized = normalizePassword(password)
  const length = passwordLength(normalized)
  if (length < minLength) return [`Use at least ${minLength} characters.`]
  if (length > maxLength) return [`Use at most ${maxLength} characters.`]
  if (/[\p{Control}\uFFFD]/u.test(normalized)) {
    return ['Remove line breaks, tabs, and other invisible characters.']
  }

  const common = await commonPasswords()
  const folded = foldPassword(normalized)
  const backwards = [...folded].reverse().join('')
  if (common.isBreached(folded) || common.isBreached(backwards)) {
    return ['This password, or one very similar to it, appears in a data breach. Choose a different one.']
  }
  const guesses = log10Guesses(normalized, common, words)
  if (guesses >= MIN_LOG10_GUESSES) return []
  return guesses < log10Guesses(normalized, common, [])
    ? ['Do not base the password on your name, username, or email address.']
    : ['This password is easy to guess. Use several unrelated words.']
}

/** How hard a password is to guess for an attacker who knows `words` of its account. For accepted passwords. */
export async function passwordStrength(password: string, words: string[]): Promise<PasswordStrength> {
  const guesses = log10Guesses(normalizePassword(password), await commonPasswords(), words)
  if (guesses < GOOD_LOG10_GUESSES) return 'FAIR'
  return guesses < STRONG_LOG10_GUESSES ? 'GOOD' : 'STRONG'
}
