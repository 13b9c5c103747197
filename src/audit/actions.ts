/** Every action that the audit log knows, and what it says happened. */
export const auditActions = {
  'user.registered': 'An account was registered.',
  'user.registered_again': 'Somebody registered an address that has an account; nothing changed.',
  'user.created': 'An account was created from the command line.',
  'user.profile_updated': 'Display name, username or language changed.',
  'user.password_changed': 'The password was changed by its owner.',
  'user.roles_changed': 'The roles were replaced.',
  'session.started': 'A sign-in succeeded.',
  'session.denied': 'A sign-in failed.',
  'session.reauthenticated': 'The password was proved again.',
  'session.ended': 'A session was ended by signing out.',
  'session.revoked': 'A session was ended from elsewhere.',
  'session.reuse_detected': 'A spent refresh token came back; its session was ended.',
  'limit.hit': 'Too many attempts; further ones are refused for a while.',
  'access.denied': 'Somebody signed in asked for what they may not do.',
  'mail.failed': 'A mail could not be sent, and nothing more is tried.',
  'key.rotated': 'A new signing key was made.',
} as const satisfies Record<string, string>

export type AuditAction = keyof typeof auditActions
