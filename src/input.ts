import type { z } from 'zod'
import { badInput } from './errors.ts'

/**
 * Checks `input` and returns its normalized form.
 * @throws AuthError BAD_USER_INPUT whose `fields` map the path of each problem, such as `input.email`, to messages.
 *   Messages never repeat the value, which may be a password.
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
 * Returns `at` if PostgreSQL can store it: it rejects the year 0 and dates far before it.
 * @throws AuthError BAD_USER_INPUT for `field`
 */
export function requireTime(field: string, at: Date): Date {
  if (!isStorable(at)) throw badInput({ [field]: ['The year must be between 1 and 9999.'] })
  return at
}

/** Whether a text is a storable time in the format of `toISOString`. */
export function isTime(text: string): boolean {
  const at = new Date(text)
  return isStorable(at) && at.toISOString() === text
}

function isStorable(at: Date): boolean {
  return at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999
}
