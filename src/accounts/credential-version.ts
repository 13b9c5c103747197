/**
 * Each account has a credential version. Anything that changes what signs in, or what may sign in, increases it: a new
 * password, address or role, a factor that is added or removed, disabling. A sign-in of several steps, and every other
 * ticket, belongs to the version it began with and ends with it.
 */

/** Prisma data that increases the version. */
export const newCredentialVersion = { credentialVersion: { increment: 1 } } as const

/** SQL that increases the version in an UPDATE of `users`. */
export const INCREASE_CREDENTIAL_VERSION = 'credential_version = credential_version + 1'
