import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/** What to tell a client whose change met a unique index; undefined for any other error. */
export function uniqueNameError(error: unknown): AuthError | undefined {
  const index = violatedUnique(error)
  if (index?.includes('email_canonical')) return emailTaken(error)
  if (index?.includes('username')) {
    return usernameTaken(error)
  }
  return undefined
}

/** The answer for an address that an account has or that is held. */
export function emailTaken(cause: unknown): AuthError {
  return new AuthError('EMAIL_TAKEN', { extensions: { field: 'email' }, cause })
}

export function usernameTaken(cause: unknown): AuthError {
  return new AuthError('USERNAME_TAKEN', { extensions: { field: 'username' }, cause })
}
