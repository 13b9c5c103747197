/** SQL for whether an account `u` has a second factor: an authenticator app, a passkey or a security key. */
export const HAS_FACTOR = `(EXISTS (SELECT FROM totp f WHERE f.user_id = u.id)
  OR EXISTS (SELECT FROM passkeys f WHERE f.user_id = u.id))`
