import { expect, test } from '@jest/globals'
import { type Means, stepUpRequired, waysTo } from '../../src/sessions/step-up-required.ts'

const means = (given: Partial<Means>): Means => ({
  firsts: ['PASSWORD'],
  hasTotp: false,
  suspended: false,
  hasPasskey: false,
  hasKey: false,
  hasRecovery: false,
  ...given,
})

const everything = { hasTotp: true, hasPasskey: true, hasKey: true, hasRecovery: true }

test.each<[string, Partial<Means>, string[][]]>([
  ['nothing without a second factor', {}, []],
  ['an authenticator app', { hasTotp: true }, [['PASSWORD', 'TOTP']]],
  [
    'every way, the strongest first',
    everything,
    [['PASSKEY'], ['PASSWORD', 'SECURITY_KEY'], ['PASSWORD', 'TOTP'], ['PASSWORD', 'RECOVERY_CODE']],
  ],
  [
    'the mailbox instead of a password that there is not',
    { hasTotp: true, firsts: ['EMAIL'] },
    [['EMAIL', 'TOTP']],
  ],
  [
    'a provider as well, with each factor',
    { hasTotp: true, hasRecovery: true, firsts: ['PROVIDER', 'EMAIL'] },
    [
      ['PROVIDER', 'TOTP'],
      ['EMAIL', 'TOTP'],
      ['PROVIDER', 'RECOVERY_CODE'],
      ['EMAIL', 'RECOVERY_CODE'],
    ],
  ],
  [
    'no authenticator app that is suspended',
    { hasTotp: true, suspended: true, hasRecovery: true },
    [['PASSWORD', 'RECOVERY_CODE']],
  ],
])('two factors: the error lists %s', (_, given, accepts) => {
  expect(waysTo('MULTI', means(given))).toEqual(accepts)
})

test('codes are no way to what resists phishing, and a mailbox or a password is enough for a single factor', () => {
  expect(waysTo('PHISHING_RESISTANT', means(everything))).toEqual([['PASSKEY'], ['PASSWORD', 'SECURITY_KEY']])
  expect(waysTo('SINGLE', means(everything))).toEqual([['PASSKEY'], ['PASSWORD']])
  expect(waysTo('SINGLE', means({ firsts: ['EMAIL'] }))).toEqual([['EMAIL']])
})

test('an account with nothing to prove it with learns that it must add a factor', () => {
  const error = stepUpRequired({ strength: 'MULTI' }, means({}))
  expect(error.extensions).toEqual({ acr: 'mfa', maxAgeSeconds: null, accepts: [] })
  expect(error.message).toContain('Add a passkey or an authenticator app')
})
