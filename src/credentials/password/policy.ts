import { commonPasswords } from './common-passwords.ts'
import { foldPassword, log10Guesses } from './guesses.ts'

// 30 million guesses: a week for one core at argon2's 20 ms a hash, and never over the network. Higher, and
// this estimate, which undervalues chance, would refuse random passwords of 8 characters.
const MIN_LOG10_GUESSES = 7.5

export type PasswordRules = {
  /** In code points. */
  minLength: number
  maxLength: number
  /** The account's own: e-mail address, username, display name. Their parts are taken from them. */
  words: string[]
}

/**
 * The form of a password that is hashed and compared, so that every keyboard gives the same bytes: NFKC
 * (NIST SP 800-63B-3 section 5.1.1.2), which also makes the full-width letters of an input method equal to
 * plain ones, with every Unicode space a U+0020 (RFC 8265 section 4.2). Revision 4 and RFC 8265 settle for
 * NFC; what NFKC merges beyond that costs no guess worth counting. Nothing is trimmed and case is kept.
 * Idempotent, never throws.
 *
 * A surrogate without its pair becomes U+FFFD, which encoding it in UTF-8 would do in any case; the
 * policy refuses it, so none is behind a hash.
 */
export function normalizePassword(password: string): string {
  return password
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(/\p{Space_Separator}/gu, ' ')
    .normalize('NFKC')
}

/** The length that the rules speak of: code points of the normalised password (SP 800-63B-4 section 3.1.1.2). */
export function passwordLength(password: string): number {
  let length = 0
  for (const _ of normalizePassword(password)) length += 1
  return length
}

/**
 * What keeps a password from being set, in words for the person who typed it; empty when it may be.
 * Refused: too short or long, invisible control characters (RFC 8264 section 9.12), a breached password
 * or nearly one, and what an attacker who knows the account would try within 10^7.5 guesses. There are no
 * composition rules (SP 800-63B-4 section 3.1.1.2). Takes about 0.05 ms and never more than 5 ms; the first
 * call also reads the list of breached passwords.
 */
export async function passwordProblems(password: string, rules: PasswordRules): Promise<string[]> {
  const { minLength, maxLength, words } = rules
  const normalized = normalizePassword(password)
  const length = passwordLength(normalized)
  if (length < minLength) return [`Use at least ${minLength} characters.`]
  if (length > maxLength) return [`Use at most ${maxLength} characters.`]
  if (/[\p{Control}\uFFFD]/u.test(normalized)) {
    return ['Leave out line breaks, tabs and other characters that cannot be seen.']
  }

  const common = await commonPasswords()
  const folded = foldPassword(normalized)
  const backwards = [...folded].reverse().join('')
  if (common.isBreached(folded) || common.isBreached(backwards)) {
    return ['This password, or one much like it, is known from a data breach. Choose another.']
  }
  const guesses = log10Guesses(normalized, common, words)
  if (guesses >= MIN_LOG10_GUESSES) return []
  return guesses < log10Guesses(normalized, common, [])
    ? ['Do not make the password of your name, username or e-mail address.']
    : ['This password is easy to guess. Use several words that have nothing to do with one another.']
}
