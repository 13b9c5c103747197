/** Every action of the audit log and its description. */
export const auditActions = {
  'user.registered': 'An account was registered.',
  'user.registered_again':
    'Someone tried to register an address that already has an account; nothing changed.',
  'user.created': 'An account was created from the command line.',
  'user.imported': 'An account was imported from another system.',
  'users.exported': 'Accounts were exported from the command line.',
  'registration.requested': 'Someone registered; the account is created when the address is verified.',
  'user.verification_requested': 'Someone requested another link to verify an address.',
  'user.email_verified': 'The owner verified the email address.',
  'user.credentials_removed':
    'The mailbox of an account was proved for the first time, and its password, passkeys, codes and identities were removed.',
  'user.profile_updated': 'The owner changed their profile or public metadata.',
  'user.password_changed': 'The owner changed the password.',
  'user.password_removed': 'The owner removed the password, to sign in with passkeys only.',
  'user.reset_requested': 'Someone requested a link to set a new password.',
  'user.email_login_requested': 'Someone requested an email to sign in with.',
  'user.password_reset': 'The password was set with an emailed link.',
  'user.email_change_requested': 'The owner requested a change of the email address.',
  'user.email_changed': 'The email address was changed.',
  'user.email_change_undone':
    'A change of the email address was canceled or undone, and the password was removed.',
  'user.email_change_undo_ended':
    'The owner or an administrator invalidated the links that restore a former email address.',
  'user.exported': 'The owner exported their data.',
  'user.deleted': 'The account was deleted, and personal data was removed from its other events.',
  'user.roles_changed': 'The roles were replaced.',
  'user.invited': 'An administrator created an account for someone, or sent its invitation again.',
  'user.updated': 'An administrator changed an account.',
  'user.impersonated': 'An administrator started to act as the account.',
  'user.disabled': 'An account was disabled, and its sessions were ended.',
  'user.enabled': 'A disabled account was enabled.',
  'role.created': 'A role was created.',
  'role.updated': 'A role was changed.',
  'role.deleted': 'A role was deleted.',
  'identity.linked': 'An identity at a provider was connected to an account.',
  'factor.recovery_requested':
    'Someone with the password and the mailbox asked to recover lost second factors.',
  'factor.recovery_canceled': 'The recovery of second factors was canceled with the emailed link.',
  'factor.recovered': 'The second factors were removed after the wait of a recovery.',
  'device.trusted': 'The owner chose that a device needs no second factor for a while.',
  'device.trust_ended': 'The owner ended the trust in one or more devices.',
  'session.started': 'A sign-in succeeded.',
  'session.denied': 'A sign-in failed.',
  'session.reauthenticated': 'The owner entered their password again in a session.',
  'session.stepped_up': 'The owner proved their identity again in a session.',
  'session.ended': 'A session was ended by signing out.',
  'session.revoked':
    'One or more sessions were revoked; the detail has the session’s ID or the number of sessions.',
  'session.reuse_detected':
    'Two clients used the refresh tokens of one session, as happens after a theft; the session was ended.',
  'session.refresh_repeated': 'A refresh token was used again from another network or device.',
  'session.refresh_ahead':
    'A refresh token was newer than the database, as happens after a restore; its session continued.',
  'factor.code_requested': 'The owner requested an emailed code to add a second factor.',
  'factor.added': 'A second factor was added.',
  'factor.removed': 'The owner removed a second factor; other sessions ended.',
  'recovery_code.renewed': 'The owner replaced the recovery codes.',
  'factor.denied': 'A second factor was refused: the code was wrong.',
  'factor.suspended': 'Codes of the authenticator app are refused after too many wrong ones in a row.',
  'factor.renamed': 'The owner renamed a passkey or a security key.',
  'factor.counter_regressed':
    'The signature counter of a synced passkey went back, as happens with several devices or with a copy.',
  'recovery_code.used': 'A recovery code completed a sign-in.',
  'factor.reset': 'An administrator removed every second factor of an account.',
  'factor.requirement_changed':
    'The owner required a second factor at every sign-in, or no longer requires one.',
  'limit.hit': 'There were too many attempts; further attempts are refused for a while.',
  'access.denied': 'A signed-in user attempted something without permission.',
  'mail.failed': 'An email could not be sent and will not be retried.',
  'mail.retried': 'A failed email was queued again.',
  'audit.pruned': 'Events older than AUDIT_RETENTION were deleted.',
  'key.rotated': 'A signing key was created; it takes over when every cache has it.',
  'key.revoked': 'All signing keys were replaced immediately; tokens that they signed are rejected.',
  'key.refresh_replaced': 'The refresh-token key was replaced, which ended every session.',
} as const satisfies Record<string, string>

export type AuditAction = keyof typeof auditActions
