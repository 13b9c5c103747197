import { z } from 'zod'
import type { Prisma } from '../generated/prisma/client.ts'
import { canonicalEmail, displayEmail } from './email.ts'
import { canonicalUsername } from './username.ts'

/** An email address, as typed and in its canonical form. */
export const emailField = z.string().transform((typed, context) => {
  const canonical = canonicalEmail(typed)
  if (canonical === undefined) {
    context.addIssue('Enter a complete email address, such as ada@example.com.')
    return z.NEVER
  }
  return { typed: displayEmail(typed), canonical }
})

export const usernameField = z.string().transform((typed, context) => {
  const canonical = canonicalUsername(typed)
  if (canonical === undefined) {
    context.addIssue('Use 3 to 32 characters from a-z, 0-9, _, . and -.')
    return z.NEVER
  }
  return canonical
})

/**
 * Text for display: trimmed, on one line, without invisible characters other than the joiners U+200C and U+200D, which
 * Persian, Sinhala and emoji require. Empty text becomes null.
 */
export const labelField = (maxLength: number) =>
  z
    .string()
    .trim()
    .normalize('NFC')
    .max(maxLength, `Use at most ${maxLength} characters.`)
    .regex(/^(?:[^\p{C}\p{Zl}\p{Zp}]|\u200C|\u200D)*$/u, 'Remove control characters and line breaks.')
    .transform(text => text || null)

/** A language tag in its canonical form (BCP 47). */
export const localeField = z.string().transform((tag, context) => {
  try {
    const [canonical] = Intl.getCanonicalLocales(tag)
    if (canonical && canonical.length <= 35) return canonical
  } catch {
    // Not a language tag. The issue is added below.
  }
  context.addIssue('Enter a language tag, such as en, ko or pt-BR.')
  return z.NEVER
})

export const displayNameField = labelField(100)
export const deviceNameField = labelField(100)
export const disabledReasonField = labelField(500)
/** A required reason, for the audit log. */
export const reasonField = labelField(500).transform((reason, context) => {
  if (reason !== null) return reason
  context.addIssue('Enter a reason.')
  return z.NEVER
})

const METADATA_MAX_BYTES = 8192
const METADATA_MAX_DEPTH = 8

/**
 * A JSON object defined by the application: at most 8 KiB as JSON text in UTF-8, with at most 8 levels of objects and
 * lists. Rejects text that PostgreSQL cannot store (U+0000, lone surrogates) and the key `__proto__`.
 */
export const metadataField = z.unknown().transform((value, context) => {
  const problem = metadataProblem(value)
  if (problem === undefined) return value as Prisma.JsonObject
  context.addIssue(problem)
  return z.NEVER
})

function metadataProblem(value: unknown): string | undefined {
  if (!isPlainObject(value)) return 'Enter a JSON object, such as { "theme": "dark" }.'
  const problem = jsonProblem(value, METADATA_MAX_DEPTH)
  if (problem) return problem
  const bytes = Buffer.byteLength(JSON.stringify(value))
  return bytes > METADATA_MAX_BYTES
    ? `Use at most ${METADATA_MAX_BYTES} bytes. This object has ${bytes} bytes.`
    : undefined
}

function jsonProblem(value: unknown, levels: number): string | undefined {
  if (typeof value === 'string') {
    return /\0|\p{Surrogate}/u.test(value) ? 'Remove U+0000 and lone surrogates.' : undefined
  }
  if (value === null || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'Use finite numbers.'
  if (!Array.isArray(value) && !isPlainObject(value)) return 'Use JSON values only.'
  if (levels === 0) return `Nest at most ${METADATA_MAX_DEPTH} levels deep.`
  if (Object.keys(value).includes('__proto__')) return 'Remove the key __proto__.'
  for (const part of [...Object.keys(value), ...Object.values(value)]) {
    const problem = jsonProblem(part, levels - 1)
    if (problem) return problem
  }
  return undefined
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
