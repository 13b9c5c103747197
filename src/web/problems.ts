import { AuthError, NetworkError } from '../client/index.ts'
import type { Messages } from './locales/en.ts'

/** Texts for error codes that replace the general ones on a page. */
export type CodeWords = Partial<Record<string, string>>

/** Codes whose message from the server can say more than the code. */
const SPOKEN = new Set<string>(['CONFLICT', 'FORBIDDEN'])

/** Messages of other codes that say more than the code. */
const SPECIFIC = new Set([
  'This code was already used. Wait for the next one.',
  'There were too many wrong codes, so codes of the authenticator app are refused. Use another method, or set a new password with “Forgot password”.',
])

/** What went wrong and what to do next. `span` formats a number of seconds. */
export function problemText(
  text: Messages,
  span: (seconds: number) => string,
  error: unknown,
  words: CodeWords = {},
): string {
  if (error instanceof NetworkError) return text.failures.network
  if (!(error instanceof AuthError)) return text.errors.INTERNAL_SERVER_ERROR
  const specific = SPECIFIC.has(error.message) && serverText(text, error.message)
  if (specific) return specific
  const own = words[error.code]
  if (own) return own
  if (error.code === 'RATE_LIMITED' && error.retryAfterSeconds)
    return text.failures.wait(span(error.retryAfterSeconds))
  const told = SPOKEN.has(error.code) ? serverText(text, error.message) : undefined
  const known = (text.errors as Partial<Record<string, string>>)[error.code]
  const said = told ?? known ?? text.errors.INTERNAL_SERVER_ERROR
  return error.requestId ? `${said} ${text.failures.requestId(error.requestId)}` : said
}

/** The error of each input by its name in the form, which is the last part of the server's path. */
export function fieldProblems(text: Messages, error: unknown): Record<string, string> {
  if (!(error instanceof AuthError)) return {}
  return Object.fromEntries(
    Object.entries(error.fields).map(([path, messages]) => [
      path.split('.').at(-1) ?? path,
      messages.map(message => serverText(text, message) ?? text.errors.BAD_USER_INPUT).join(' '),
    ]),
  )
}

/** The server's English, or a translation of it; undefined if the language has none. */
export function serverText({ server, name }: Messages, message: string): string | undefined {
  if (name === 'English') return message
  const numbers = message.match(/\d+/g) ?? []
  const translated = server[message] ?? server[message.replace(/\d+/g, '#')]
  return translated?.replace(/#/g, () => numbers.shift() ?? '#')
}
