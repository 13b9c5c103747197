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
