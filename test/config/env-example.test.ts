import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parse } from 'dotenv'
import { loadConfig, settingNames } from '../../src/config.ts'

const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
const example = parse(text.replace(/^#(?=[A-Z0-9_]+=)/gm, ''))

test('.env.example sets nothing until it is edited', () => {
  expect(parse(text)).toEqual({})
})

test('.env.example lists exactly the settings of the server', () => {
  expect(Object.keys(example).sort()).toEqual([...settingNames].sort())
})

test('.env.example shows the default of each setting', () => {
  const { DATABASE_URL, ...defaults } = example
  expect(loadConfig(defaults)).toEqual(loadConfig({}))
  expect(loadConfig({ DATABASE_URL }).database.url).toBe(DATABASE_URL)
})

test('.env.example leaves only settings without a universal default empty', () => {
  const empty = Object.keys(example).filter(name => example[name] === '')
  expect(empty).toEqual([
    'WEB',
    'BRAND_LOGO_URL',
    'TERMS_URL',
    'PRIVACY_URL',
    'SUPPORT_URL',
    'RETURN_ORIGINS',
    'NATIVE_RETURN_URLS',
    'AUTHOGRAPH_SECRET',
    'AUTHOGRAPH_PREVIOUS_SECRETS',
    'TOKEN_ISSUER',
    'TOKEN_CLAIMS',
    'SMTP_URL',
    'MAIL_FROM',
    'PROVIDERS',
    'BREACHED_PASSWORDS_FILE',
    'PASSKEYS',
    'PASSKEY_RP_ID',
    'PASSKEY_ORIGINS',
    'PASSKEY_APPLE_APPS',
    'PASSKEY_ANDROID_APPS',
    'HASH_CONCURRENCY',
    'TRUSTED_PROXIES',
    'CORS_ORIGINS',
    'INTROSPECTION',
    'SANDBOX',
    'METRICS_TOKEN',
    'AUDIT_RETENTION',
    'WEBHOOK_NETWORKS',
    'BEFORE_SIGN_UP_URL',
    'BEFORE_SIGN_UP_SECRET',
  ])
})

test('.env.example has a comment above each setting', () => {
  for (const name of settingNames) {
    // Its group: the lines around it without a blank line in between.
    const group = text.split('\n\n').find(lines => lines.includes(`#${name}=`))
    expect([name, group]).toEqual([name, expect.stringMatching(/^# [A-Za-z]/m)])
  }
})
