import { z } from 'zod'
import { displayNameField } from '../../accounts/fields.ts'

/** CSV files contain JSON as text. */
export function fromText(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/**
 * Other systems accept names with line breaks and invisible characters. Whitespace becomes a space and invisible
 * characters are removed, so that such an account can still be imported.
 */
export const importedNameField = z
  .string()
  .transform(name => name.replace(/\s+/gu, ' ').replace(/(?!\u200C|\u200D)\p{C}/gu, ''))
  .pipe(displayNameField)
