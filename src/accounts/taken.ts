import { violatedUnique } from '../database/client.ts'
import { AuthError } from '../errors.ts'

/** What to tell a client whose change met a unique index; undefined for any other error. */
export function takenName(error: unknown): AuthError | undefined {
  const index = violatedUnique(error)
  if (index?.includes('email_canonical')) {
    return new AuthError('EMAIL_TAKEN', { extensions: { field: 'email' }, cause: error })
  }
  if (index?.includes('username')) {
    return usernameTaken(error)
  }
  return undefined
}

export function usernameTaken(cause: unknown): AuthError {
  return new AuthError('USERNAME_TAKEN', { extensions: { field: 'username' }, cause })
}
