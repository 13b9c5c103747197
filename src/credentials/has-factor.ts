/**
 * SQL for whether an account `u` has a second factor that can be used on this server: an authenticator app, or a passkey
 * or a security key of the domain in the parameter `domain`, such as `$2` (see `usableDomain` in ways-in.ts).
 */
export const hasUsableFactor = (domain: string) => `(EXISTS (SELECT FROM totp f WHERE f.user_id = u.id)
  OR EXISTS (SELECT FROM passkeys f WHERE f.user_id = u.id AND f.rp_id = ${domain}::text))`
