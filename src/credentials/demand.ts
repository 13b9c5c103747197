/**
 * Defines in SQL when an account `u` demands a second factor, so that a password or an emailed code alone starts no
 * session. A passkey alone does not change how the other ways to sign in work.
 */

/** A role of the account, or an administrator, demands it at the time in the parameter `at`, on every device. */
export const demandedOnEveryDevice = (at: string) => `(u.enrolment_required OR EXISTS (
  SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role_name
  WHERE ur.user_id = u.id AND r.second_factor_required_from <= ${at}))`

/** The owner demands it, on devices that the account does not trust. */
export const demandedByOwner =
  '(u.second_factor_required OR EXISTS (SELECT FROM totp t WHERE t.user_id = u.id))'

/** Whether the account trusts the device with the secret hash in `secretHash` at the time in `at`. Both are parameters. */
export const isTrusted = (secretHash: string, at: string) => `EXISTS (
  SELECT FROM devices d WHERE d.user_id = u.id AND d.secret_hash = ${secretHash} AND d.trusted_until > ${at})`

/** Whether the account demands a second factor from the device at the time in `at`. Both are parameters. */
export const isDemanded = (secretHash: string, at: string) =>
  `(${demandedOnEveryDevice(at)} OR (${demandedByOwner} AND NOT ${isTrusted(secretHash, at)}))`

/** After this many wrong codes in a row, codes of the authenticator app are refused until another factor or a reset. */
export const FAILURES_MAX = 100

/**
 * The SQL of the columns in `FactorRow`. Passkeys and security keys count only if they can be used on this server: those
 * of the domain in the parameter `domain` (see `usableDomain` in ways-in.ts).
 */
export const factorColumns = (domain: string) => `
  EXISTS (SELECT FROM totp t WHERE t.user_id = u.id) AS has_totp,
  u.factor_failures >= ${FAILURES_MAX} AS suspended,
  EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id AND p.rp_id = ${domain}::text AND p.discoverable) AS has_passkey,
  EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id AND p.rp_id = ${domain}::text AND NOT p.discoverable) AS has_key,
  EXISTS (SELECT FROM recovery_codes c WHERE c.user_id = u.id AND c.used_at IS NULL) AS has_recovery`

export type FactorRow = [
  hasTotp: boolean,
  suspended: boolean,
  hasPasskey: boolean,
  hasKey: boolean,
  hasRecovery: boolean,
]
