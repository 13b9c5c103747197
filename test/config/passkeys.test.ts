import { describe, expect, test } from '@jest/globals'
import { ConfigError, loadConfig } from '../../src/config.ts'

const FINGERPRINT = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0')).join(':')

const passkeys = (environment: Record<string, string>) => loadConfig(environment).passkeys

function problemsOf(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('the domain of passkeys', () => {
  test('is the host of PUBLIC_URL', () => {
    expect(passkeys({ PUBLIC_URL: 'https://Auth.example.com:8443/base' })).toMatchObject({
      enabled: true,
      rpId: 'auth.example.com',
      origins: ['https://auth.example.com:8443'],
    })
  })

  test('can be a domain above it, in upper or lower case', () => {
    const given = { PUBLIC_URL: 'https://auth.example.com', PASSKEY_RP_ID: 'Example.com' }
    expect(passkeys(given)).toMatchObject({ rpId: 'example.com', origins: ['https://auth.example.com'] })
  })

  test('is never an IP address: passkeys are then off, and can’t be turned on', () => {
    for (const PUBLIC_URL of ['http://127.0.0.1:4000', 'https://[2001:db8::1]']) {
      expect(passkeys({ PUBLIC_URL }).enabled).toBe(false)
      expect(problemsOf({ PUBLIC_URL, PASSKEYS: 'on' })).toEqual([
        expect.stringContaining('PASSKEYS: requires a PUBLIC_URL with a domain name, or PASSKEY_RP_ID'),
      ])
      const PASSKEY_RP_ID = 'example.com'
      expect(passkeys({ PUBLIC_URL, PASSKEY_RP_ID, PASSKEYS: 'on' }).enabled).toBe(true)
    }
  })

  test('PASSKEYS=off turns passkeys off', () => {
    expect(passkeys({ PASSKEYS: 'off' }).enabled).toBe(false)
  })
})

describe('the origins that can use passkeys', () => {
  test('are PUBLIC_URL and, of CORS_ORIGINS, those on the domain or below it', () => {
    const given = {
      PUBLIC_URL: 'https://auth.example.com',
      PASSKEY_RP_ID: 'example.com',
      CORS_ORIGINS:
        'https://app.example.com,https://example.com,https://example.org,https://notexample.com,https://example.com.evil.example',
    }
    expect(passkeys(given).origins).toEqual([
      'https://auth.example.com',
      'https://app.example.com',
      'https://example.com',
    ])
  })

  test('are PUBLIC_URL and those of PASSKEY_ORIGINS, if it is set', () => {
    const given = {
      PUBLIC_URL: 'https://auth.example.com',
      CORS_ORIGINS: 'https://app.auth.example.com',
      PASSKEY_ORIGINS: 'https://example.org/,HTTPS://Shop.example',
    }
    expect(passkeys(given).origins).toEqual([
      'https://auth.example.com',
      'https://example.org',
      'https://shop.example',
    ])
  })

  test('include the apps that are associated with the domain', () => {
    const given = {
      PUBLIC_URL: 'https://auth.example.com',
      PASSKEY_RP_ID: 'example.com',
      PASSKEY_APPLE_APPS: 'ABCDE12345.com.example.app',
      PASSKEY_ANDROID_APPS: `com.example.app=${FINGERPRINT}`,
    }
    expect(passkeys(given)).toMatchObject({
      origins: [
        'https://auth.example.com',
        'https://example.com',
        'android:apk-key-hash:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
      ],
      appleApps: ['ABCDE12345.com.example.app'],
      androidApps: [{ packageName: 'com.example.app', fingerprint: FINGERPRINT.toUpperCase() }],
    })
  })
})

test.each([
  ['PASSKEYS', 'yes', 'must be on or off'],
  ['PASSKEY_RP_ID', 'https://example.com', 'must be a domain without scheme or port'],
  ['PASSKEY_RP_ID', 'example.com:443', 'must be a domain without scheme or port'],
  ['PASSKEY_RP_ID', '192.0.2.1', 'must be a domain without scheme or port'],
  ['PASSKEY_ORIGINS', 'example.com', 'must be a list of origins'],
  ['PASSKEY_ORIGINS', 'https://example.com/path', 'must be a list of origins'],
  ['PASSKEY_ORIGINS', 'android:apk-key-hash:short', 'must be a list of origins'],
  ['PASSKEY_APPLE_APPS', 'com.example.app', 'must be a list of app IDs'],
  ['PASSKEY_ANDROID_APPS', 'com.example.app', 'must be a list such as com.example.app='],
  ['PASSKEY_ANDROID_APPS', 'com.example.app=14:6D', 'must be a list such as com.example.app='],
])('%s=%s is refused', (name, value, problem) => {
  expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(`${name}: ${problem}`)])
})
