import type { MailLanguage } from '../texts.ts'

const IF_NOT_YOU =
  'If this was you, you don’t need to do anything. If it wasn’t, someone may know your password. Set a new one now:'

const FACTORS = {
  PASSKEY: 'a passkey',
  SECURITY_KEY: 'a security key',
  TOTP: 'an authenticator app',
}

export default {
  linkHint: 'If the button doesn’t work, copy this link into your browser:',
  footer: ({ appName, url }) => `${appName} · ${url}`,
  links: { terms: 'Terms of service', privacy: 'Privacy policy', support: 'Support' },
  origin: ({ time, device, ipAddress }) => [
    `When: ${time}`,
    ...(device ? [`Device: ${device}`] : []),
    ...(ipAddress ? [`IP address: ${ipAddress}`] : []),
  ],
  templates: {
    'verify-email': ({ appName, origin, waits, forgotPasswordUrl }) => ({
      subject: `Confirm your email address for ${appName}`,
      paragraphs: waits
        ? [
            `Someone signed up for ${appName} with this email address:`,
            origin,
            'If this was you, confirm your address to create your account. If it wasn’t, ignore this email, and no account will be created. Don’t confirm a sign-up you didn’t start: the person who started it knows the password.',
          ]
        : [
            `Someone used this email address for an account at ${appName}:`,
            origin,
            `If this was you, confirm your address. If it wasn’t, don’t confirm it: someone else knows that account’s password. To take over the account and sign everyone else out, set a new password at ${forgotPasswordUrl}.`,
          ],
      action: 'Confirm email address',
      after: ['This link is valid for 24 hours and can be used once.'],
    }),
    'already-registered': ({ appName, origin }) => ({
      subject: `You already have an account at ${appName}`,
      paragraphs: [
        `Someone tried to use this email address for another account at ${appName}. You already have an account with this address, so nothing has changed.`,
        origin,
      ],
      action: 'Set a new password',
      after: [
        'If this was you and you forgot your password, set a new one. Otherwise, you can ignore this email.',
      ],
    }),
    'reset-password': ({ appName, origin, byAdministrator }) => ({
      subject: `Set a new password for ${appName}`,
      paragraphs: byAdministrator
        ? [`An administrator of ${appName} sent you a link to set a new password for your account.`, origin]
        : [`We received a request to reset the password of your account at ${appName}.`, origin],
      action: 'Set a new password',
      after: [
        byAdministrator
          ? 'This link is valid for 30 minutes and can be used once. Your password stays as it is until you set a new one.'
          : 'This link is valid for 30 minutes and can be used once. If you didn’t request it, ignore this email. Your password won’t change.',
      ],
    }),
    invitation: ({ appName }) => ({
      subject: `You’re invited to ${appName}`,
      paragraphs: [
        `An administrator created an account for you at ${appName}. Set a password to start using it.`,
      ],
      action: 'Accept invitation',
      after: ['This link is valid for 7 days and can be used once.'],
    }),
    'email-login': ({ appName, origin, code, effect }) => ({
      subject: `Sign in to ${appName}`,
      paragraphs: [
        effect === 'create'
          ? `To create your account at ${appName}, enter this code on the page where you started:`
          : `To sign in to ${appName}, enter this code on the page where you started:`,
        'Someone asked to sign in with this email address:',
        origin,
        `If this wasn’t you, ignore this email. Never share the code or the link: no one at ${appName} will ask you for them.`,
        ...(effect === 'take-over'
          ? [
              'This address was never confirmed. Signing in confirms it. To keep out anyone else who may have used it, it also removes the account’s password and passkeys and signs out all devices.',
            ]
          : []),
      ],
      code,
      action: effect === 'create' ? 'Create your account on this device' : 'Sign in on this device',
      after: ['The code and the link are valid for 10 minutes. Only one of them can be used, and only once.'],
    }),
    'confirm-new-email': ({ appName, origin }) => ({
      subject: `Confirm your new email address for ${appName}`,
      paragraphs: [
        `Someone asked to use this email address for an account at ${appName}:`,
        origin,
        'If this was you, confirm your new address. If it wasn’t, ignore this email, and nothing will change. Don’t confirm a change you didn’t request: the person who requested it knows the account’s password.',
      ],
      action: 'Use this address',
      after: ['This link is valid for 1 hour and can be used once.'],
    }),
    'email-change-requested': ({ appName, newEmail, origin }) => ({
      subject: `Request to change your email address at ${appName}`,
      paragraphs: [
        `Someone signed in to your account at ${appName} asked to change its email address to ${newEmail}.`,
        origin,
        'If this was you, you don’t need to do anything. If it wasn’t, keep this address. Doing so signs out all devices and removes your password, if you have one. We then email you how to sign in again.',
      ],
      action: 'Keep this address',
      after: ['This link is valid for 7 days, even after the address changes.'],
    }),
    'email-changed': ({ appName, newEmail, origin }) => ({
      subject: `Your email address at ${appName} has changed`,
      paragraphs: [
        `The email address of your account at ${appName} is now ${newEmail}.`,
        origin,
        'If this was you, you don’t need to do anything. If it wasn’t, restore this address. Doing so signs out all devices and removes your password, if you have one. We then email you how to sign in again.',
      ],
      action: 'Restore this address',
      after: ['This link is valid for 7 days.'],
    }),
    'email-change-undone': ({ appName, time }) => ({
      subject: `You kept your email address at ${appName}`,
      paragraphs: [
        `On ${time}, you kept this address for your account at ${appName}. All devices are signed out, and what was added to sign in with since the change was requested is removed.`,
        'Your account has no password. Sign in the way you did before, such as with your passkey.',
      ],
    }),
    'email-replaced': ({ appName, newEmail, time }) => ({
      subject: `An administrator changed your email address at ${appName}`,
      paragraphs: [
        `An administrator of ${appName} changed the email address of your account to ${newEmail} on ${time}. We’ll no longer send emails to this address.`,
        'If you think this is a mistake, contact an administrator.',
      ],
    }),
    'password-changed': ({ appName, origin }) => ({
      subject: `Your password at ${appName} has changed`,
      paragraphs: [
        `The password of your account at ${appName} has changed, and your other devices are signed out.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'password-removed': ({ appName, origin }) => ({
      subject: `Your password at ${appName} was removed`,
      paragraphs: [
        `The password of your account at ${appName} was removed. From now on, you sign in with a passkey. Your other devices are signed out.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'new-device': ({ appName, origin }) => ({
      subject: `A new device signed in at ${appName}`,
      paragraphs: [`A new device signed in to your account at ${appName}.`, origin, IF_NOT_YOU],
      action: 'Set a new password',
    }),
    'reuse-detected': ({ appName, origin }) => ({
      subject: `We signed out a device at ${appName}`,
      paragraphs: [
        `A session of your account at ${appName} was used in a way that suggests someone copied it. We ended the session to protect your account.`,
        origin,
        'Sign in again on that device. If you don’t recognize it, set a new password:',
      ],
      action: 'Set a new password',
    }),
    'copy-refused': ({ appName, origin }) => ({
      subject: `We stopped someone who copied a session at ${appName}`,
      paragraphs: [
        `Someone tried to continue a session of your account at ${appName} without the key that only your device has. We refused, and you stay signed in.`,
        origin,
        'Someone may have read data on your device, so check it for programs and extensions that you don’t know. If you didn’t do this yourself, you can also set a new password, which ends your other sessions:',
      ],
      action: 'Set a new password',
    }),
    'factor-code': ({ appName, origin, code }) => ({
      subject: `Your code for ${appName}`,
      paragraphs: [
        `Enter this code to add a way to sign in to your account at ${appName}:`,
        origin,
        'If you didn’t ask for this, don’t share the code with anyone. Someone may know your password: set a new one.',
      ],
      code,
      after: ['This code is valid for 10 minutes, where you asked for it.'],
    }),
    'factor-added': ({ appName, origin, factor }) => ({
      subject: `You added ${FACTORS[factor]} at ${appName}`,
      paragraphs: [
        `Your account at ${appName} can now be signed in to with ${FACTORS[factor]}.`,
        origin,
        'If this was you, you don’t need to do anything. If it wasn’t, set a new password now, and then remove it from your account:',
      ],
      action: 'Set a new password',
    }),
    'factor-removed': ({ appName, origin, factor }) => ({
      subject: `You removed ${FACTORS[factor]} at ${appName}`,
      paragraphs: [
        `Your account at ${appName} can no longer be signed in to with ${FACTORS[factor]}. Your other devices are signed out.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'identity-added': ({ appName, origin, provider }) => ({
      subject: `${provider} was connected to your account at ${appName}`,
      paragraphs: [
        `Your account at ${appName} can now be signed in to with ${provider}.`,
        origin,
        'If this was you, you don’t need to do anything. If it wasn’t, set a new password now, and then disconnect it in your account:',
      ],
      action: 'Set a new password',
    }),
    'identity-removed': ({ appName, origin, provider }) => ({
      subject: `${provider} was disconnected from your account at ${appName}`,
      paragraphs: [
        `Your account at ${appName} can no longer be signed in to with ${provider}. Your other devices are signed out.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'api-key-created': ({ appName, origin, prefix }) => ({
      subject: `You created an API key at ${appName}`,
      paragraphs: [
        `A new API key lets a program act as you at ${appName}. It begins with ${prefix}.`,
        origin,
        'If this was you, you don’t need to do anything. If it wasn’t, set a new password now, and then delete the key in your account:',
      ],
      action: 'Set a new password',
    }),
    'recovery-codes-renewed': ({ appName, origin }) => ({
      subject: `You have new recovery codes at ${appName}`,
      paragraphs: [
        `Your account at ${appName} has new recovery codes. The earlier ones are no longer valid.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'wrong-codes': ({ appName, origin }) => ({
      subject: `Someone may know your password at ${appName}`,
      paragraphs: [
        `Someone passed the first step of signing in to your account at ${appName}, which usually takes the password, and then entered three wrong codes. They aren’t signed in.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'recovery-code-used': ({ appName, origin, left }) => ({
      subject: `A recovery code signed in at ${appName}`,
      paragraphs: [
        `Someone signed in to your account at ${appName} with one of its recovery codes. You have ${left === 1 ? '1 code' : `${left} codes`} left.`,
        origin,
        'If this was you, you don’t need to do anything; create new codes before you run out. If it wasn’t, someone has your codes and may know your password. Set a new password now, and then create new codes:',
      ],
      action: 'Set a new password',
    }),
    'factors-reset': ({ appName, time }) => ({
      subject: `Your second factors at ${appName} were reset`,
      paragraphs: [
        `An administrator of ${appName} removed the authenticator app, passkeys, security keys and recovery codes of your account on ${time}. You’re signed out on all devices.`,
        'Sign in with your password to set up a new second factor. You’ll need a code that we send to this address.',
        'If you didn’t ask for this, contact an administrator.',
      ],
    }),
    'factor-recovery': ({ appName, origin, readyTime }) => ({
      subject: `Someone asked to remove your second factors at ${appName}`,
      paragraphs: [
        `Someone with your password asked to recover your account at ${appName} without its second factors:`,
        origin,
        `If this was you, wait until ${readyTime}. Then sign in with your password again and complete the recovery within 7 days. If it wasn’t, cancel it now and set a new password. Signing in with a second factor cancels it too.`,
      ],
      action: 'Cancel the recovery',
    }),
    'factor-recovery-reminder': ({ appName, time, readyTime }) => ({
      subject: `Your second factors at ${appName} can be removed soon`,
      paragraphs: [
        `On ${time}, someone with your password asked to recover your account at ${appName} without its second factors. From ${readyTime} on, they can be removed.`,
        'If this was you, you don’t need to do anything yet. If it wasn’t, cancel the recovery now and set a new password. Signing in with a second factor cancels it too.',
      ],
      action: 'Cancel the recovery',
    }),
    'factors-recovered': ({ appName, time }) => ({
      subject: `Your second factors at ${appName} were removed`,
      paragraphs: [
        `The recovery of your account at ${appName} was completed on ${time}. Its authenticator app, passkeys, security keys and recovery codes are removed, and all devices are signed out.`,
        'Sign in with your password to set up a new second factor. You’ll need a code that we send to this address.',
        'If this wasn’t you, contact an administrator.',
      ],
    }),
    'account-disabled': ({ appName, time }) => ({
      subject: `Your account at ${appName} has been disabled`,
      paragraphs: [
        `An administrator of ${appName} disabled your account on ${time}. You’re signed out on all devices.`,
        'If you think this is a mistake, contact an administrator.',
      ],
    }),
    'account-deleted': ({ appName, time }) => ({
      subject: `Your account at ${appName} has been deleted`,
      paragraphs: [
        `Your account at ${appName} was deleted on ${time}, along with everything in it.`,
        'This is our last email to this address. Thank you for being with us, and all the best.',
      ],
    }),
  },
} satisfies MailLanguage
