import { z } from 'zod'
import { canonicalEmail, displayEmail } from './email.ts'
import { canonicalUsername } from './username.ts'

/** An e-mail address as typed and in the form that decides whether two are the same. */
export const emailField = z.string().transform((typed, context) => {
  const canonical = canonicalEmail(typed)
  if (canonical === undefined) {
    context.addIssue('Write a whole e-mail address, such as ada@example.com.')
    return z.NEVER
  }
  return { typed: displayEmail(typed), canonical }
})

export const usernameField = z.string().transform((typed, context) => {
  const canonical = canonicalUsername(typed)
  if (canonical === undefined) {
    context.addIssue('Use 3 to 32 of the characters a-z, 0-9, _, . and -.')
    return z.NEVER
  }
  return canonical
})

/**
 * Text for people to read: trimmed, on one line, without characters that cannot be seen but the joiners
 * (U+200C, U+200D) that Persian, Sinhala and emoji are written with. Empty means none.
 */
export const labelField = (maxLength: number) =>
  z
    .string()
    .trim()
    .normalize('NFC')
    .max(maxLength, `Use at most ${maxLength} characters.`)
    .regex(/^(?:\P{C}|\u200C|\u200D)*$/u, 'Leave out control characters and line breaks.')
    .transform(text => text || null)

/** A language tag in its canonical form (BCP 47). */
export const localeField = z.string().transform((tag, context) => {
  try {
    const [canonical] = Intl.getCanonicalLocales(tag)
    if (canonical && canonical.length <= 35) return canonical
  } catch {
    // Not a language tag: falls through to the message.
  }
  context.addIssue('Write a language tag such as en, ko or pt-BR.')
  return z.NEVER
})

export const displayNameField = labelField(100)
export const deviceNameField = labelField(100)
