import type { MailLanguage } from '../texts.ts'

const IF_NOT_YOU = 'If that was you, there is nothing to do. If it was not, somebody may know your password:'

export default {
  linkHint: 'If the button does not work, open this address:',
  footer: ({ appName, url }) => `${appName} · ${url}`,
  origin: ({ time, device, ipAddress }) => [
    `When: ${time}`,
    ...(device ? [`Device: ${device}`] : []),
    ...(ipAddress ? [`IP address: ${ipAddress}`] : []),
  ],
  mails: {
    'verify-email': ({ appName, origin, waits, url }) => ({
      subject: `Confirm your e-mail address for ${appName}`,
      paragraphs: waits
        ? [
            `Somebody, most likely you, signed up to ${appName} with this address:`,
            origin,
            'If that was you, confirm the address, and the account is made. If it was not, do nothing, and there will be none. Never confirm what others began: they know the password that they chose.',
          ]
        : [
            `Somebody, most likely you, gave this address to an account at ${appName}:`,
            origin,
            `If that was you, confirm the address. If it was not, do not: somebody else knows the password of that account. To take it over, set a new password at ${url}/forgot-password, which also signs everybody else out.`,
          ],
      action: 'Confirm the address',
      after: ['The link is good for 24 hours and for one use.'],
    }),
    'already-registered': ({ appName, origin }) => ({
      subject: `You already have an account at ${appName}`,
      paragraphs: [
        `Somebody, perhaps you, tried to use this address for another account at ${appName}. It has an account already, and nothing was changed.`,
        origin,
      ],
      action: 'Set a new password',
      after: [
        'If it was you and you have forgotten your password, set a new one. Otherwise there is nothing to do.',
      ],
    }),
    'reset-password': ({ appName, origin }) => ({
      subject: `Set a new password for ${appName}`,
      paragraphs: [
        `Somebody, most likely you, asked for a new password for your account at ${appName}.`,
        origin,
      ],
      action: 'Set a new password',
      after: [
        'The link is good for 30 minutes and for one use. If you did not ask for it, ignore this mail: your password stays as it is.',
      ],
    }),
    invitation: ({ appName }) => ({
      subject: `You have been invited to ${appName}`,
      paragraphs: [
        `An administrator has made an account for you at ${appName}. Choose a password, and you can sign in.`,
      ],
      action: 'Accept the invitation',
      after: ['The link is good for 7 days and for one use.'],
    }),
    'confirm-new-email': ({ appName, origin }) => ({
      subject: `Confirm your new e-mail address for ${appName}`,
      paragraphs: [
        `Somebody, most likely you, asked to use this address for an account at ${appName}:`,
        origin,
        'If that was you, confirm that the address is yours. If it was not, do nothing, and nothing changes. Never confirm what others began: it is their account, and they know its password.',
      ],
      action: 'Use this address',
      after: ['The link is good for 1 hour and for one use.'],
    }),
    'email-change-requested': ({ appName, newEmail, origin }) => ({
      subject: `Your e-mail address at ${appName} is about to change`,
      paragraphs: [
        `Somebody who is signed in to your account at ${appName} asked to change its address to ${newEmail}.`,
        origin,
        'If that was you, there is nothing to do. If it was not, keep this address: that also signs every device out and ends the password, so that you set a new one.',
      ],
      action: 'Keep this address',
      after: ['The link is good for 7 days, also after the change.'],
    }),
    'email-changed': ({ appName, newEmail, origin }) => ({
      subject: `Your e-mail address at ${appName} has changed`,
      paragraphs: [
        `Your account at ${appName} now has the address ${newEmail}.`,
        origin,
        'If that was you, there is nothing to do. If it was not, take this address back: that also signs every device out and ends the password, so that you set a new one.',
      ],
      action: 'Take this address back',
      after: ['The link is good for 7 days.'],
    }),
    'email-replaced': ({ appName, newEmail, time }) => ({
      subject: `An administrator changed your e-mail address at ${appName}`,
      paragraphs: [
        `An administrator of ${appName} gave your account the address ${newEmail} on ${time}. Mails no longer come to this one.`,
        'Ask the administrators if you think that this is a mistake.',
      ],
    }),
    'password-changed': ({ appName, origin }) => ({
      subject: `Your password at ${appName} has changed`,
      paragraphs: [
        `A new password was set for your account at ${appName}, and other devices were signed out.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'new-device': ({ appName, origin }) => ({
      subject: `A new device signed in at ${appName}`,
      paragraphs: [
        `Your account at ${appName} was signed in to from a device that it had not seen before.`,
        origin,
        IF_NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    'reuse-detected': ({ appName, origin }) => ({
      subject: `A device was signed out at ${appName}`,
      paragraphs: [
        `A sign-in of your account at ${appName} was presented a second time, as happens when it is copied. It has been ended, to be safe.`,
        origin,
        'Sign in again on that device. If you do not recognise it, set a new password:',
      ],
      action: 'Set a new password',
    }),
    'account-disabled': ({ appName, time }) => ({
      subject: `Your account at ${appName} has been disabled`,
      paragraphs: [
        `An administrator of ${appName} disabled your account on ${time}. All devices were signed out.`,
        'Ask the administrators if you think that this is a mistake.',
      ],
    }),
    'account-deleted': ({ appName, time }) => ({
      subject: `Your account at ${appName} has been deleted`,
      paragraphs: [
        `Your account at ${appName} was deleted on ${time}, with everything that belonged to it.`,
        'This is the last mail to this address. Good-bye, and all the best.',
      ],
    }),
  },
} satisfies MailLanguage
