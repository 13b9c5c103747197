import type { z } from 'zod'
import { badInput } from './errors.ts'

/**
 * The checked and normalised form of `input`.
 * @throws AuthError BAD_USER_INPUT whose `fields` name every problem by its path, such as `input.email`.
 *   Messages never repeat the value: it may be a password.
 */
export function checkInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  root = 'input',
): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const fields: Record<string, string[]> = {}
  for (const issue of parsed.error.issues) {
    const path = [root, ...issue.path].join('.')
    fields[path] = [...(fields[path] ?? []), issue.message]
  }
  throw badInput(fields)
}

/**
 * A time that PostgreSQL can store: it fails on the year 0 and on years long before it.
 * @throws AuthError BAD_USER_INPUT about `field`
 */
export function requireTime(field: string, at: Date): Date {
  if (!isStorable(at)) throw badInput({ [field]: ['This must be in the years 1 to 9999.'] })
  return at
}

/** Whether a text is a time that can be stored, as `toISOString` writes it. */
export function isTime(text: string): boolean {
  const at = new Date(text)
  return isStorable(at) && at.toISOString() === text
}

function isStorable(at: Date): boolean {
  return at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999
}
