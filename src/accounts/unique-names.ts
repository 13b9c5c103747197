import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/** The error for a change that violates a unique index on names; undefined for any other error. */
export function uniqueNameError(error: unknown): AuthError | undefined {
  const index = violatedUnique(error)
  if (index?.includes('email_canonical')) return emailTaken(error)
  if (index?.includes('username')) return usernameTaken(error)
  return undefined
}

/** The error for an address that belongs to an account or is held for its former owner. */
export function emailTaken(cause: unknown): AuthError {
  return new AuthError('EMAIL_TAKEN', { extensions: { field: 'email' }, cause })
}

export function usernameTaken(cause: unknown): AuthError {
  return new AuthError('USERNAME_TAKEN', { extensions: { field: 'username' }, cause })
}
