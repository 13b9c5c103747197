import type { AuthError } from '../errors.ts'

/** The ways in which people can prove who they are. RFC 8176 has the `amr` values: see sessions/strength.ts. */
export const authMethods = {
  PASSWORD: 'PASSWORD',
  EMAIL: 'EMAIL',
  PASSKEY: 'PASSKEY',
  SECURITY_KEY: 'SECURITY_KEY',
  TOTP: 'TOTP',
  RECOVERY_CODE: 'RECOVERY_CODE',
  PROVIDER: 'PROVIDER',
} as const

export type AuthMethod = keyof typeof authMethods

/** A successful check of a credential. Sessions start only from proofs. */
export type Proof = {
  accountId: string
  method: AuthMethod
  at: Date
  /** Uses up what proved it, such as a code, when the session starts. */
  claim?: Claim
}

/**
 * A single-use secret or another change that belongs to a sign-in. The statement that starts the session makes all of
 * its claims or none of them, and one statement at most succeeds in making a claim.
 */
export type Claim = {
  /** Identifies the text of `sql` in the name of the prepared statement. */
  name: string
  /**
   * A statement that changes data only if the CTE `account` has a row, and returns a row if and only if it made the
   * claim. Its parameters start at `$first`.
   */
  sql: (first: number) => string
  values: readonly unknown[]
  /** The error if another request made the claim first. */
  lost: () => AuthError
}
