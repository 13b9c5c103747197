import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { ConfigError, loadConfig } from '../../src/config.ts'

const APPLE_KEY = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey

const apple = {
  PROVIDERS: 'apple',
  PROVIDER_APPLE_CLIENT_ID: 'com.example.web',
  PROVIDER_APPLE_TEAM_ID: 'ABCDE12345',
  PROVIDER_APPLE_KEY_ID: 'KEY1234567',
  PROVIDER_APPLE_PRIVATE_KEY: APPLE_KEY,
}
const corp = {
  PROVIDERS: 'corp',
  PROVIDER_CORP_ISSUER: 'https://login.example.com',
  PROVIDER_CORP_CLIENT_ID: 'authograph',
}

function problemsOf(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('a provider of its own is an OpenID Connect provider whose addresses are not relied on', () => {
  expect(loadConfig(corp).providers).toEqual([
    {
      id: 'corp',
      type: 'oidc',
      name: 'Corp',
      clientId: 'authograph',
      clientSecret: undefined,
      issuer: 'https://login.example.com',
      scopes: ['openid', 'email', 'profile'],
      nativeClientIds: [],
      email: undefined,
      nonce: 'required',
      keepTokens: false,
      tenants: [],
      teamId: undefined,
      keyId: undefined,
      privateKey: undefined,
    },
  ])
})

test('a known provider needs only its client ID and secret, and buttons keep the order of PROVIDERS', () => {
  const { providers } = loadConfig({
    ...corp,
    PROVIDERS: 'google, corp',
    PROVIDER_GOOGLE_CLIENT_ID: 'id',
    PROVIDER_GOOGLE_CLIENT_SECRET: 'secret',
  })
  expect(providers.map(({ id, name, issuer }) => [id, name, issuer])).toEqual([
    ['google', 'Google', 'https://accounts.google.com'],
    ['corp', 'Corp', 'https://login.example.com'],
  ])
})

test('the settings of a provider replace those of its preset', () => {
  const { providers } = loadConfig({
    PROVIDERS: 'azure-work',
    PROVIDER_AZURE_WORK_TYPE: 'microsoft',
    PROVIDER_AZURE_WORK_NAME: 'Example staff',
    PROVIDER_AZURE_WORK_CLIENT_ID: 'id',
    PROVIDER_AZURE_WORK_CLIENT_SECRET: 'secret',
    PROVIDER_AZURE_WORK_SCOPES: 'openid email',
    PROVIDER_AZURE_WORK_NATIVE_CLIENT_IDS: 'ios,android',
    PROVIDER_AZURE_WORK_EMAIL: 'verified',
    PROVIDER_AZURE_WORK_NONCE: 'optional',
    PROVIDER_AZURE_WORK_KEEP_TOKENS: 'on',
    PROVIDER_AZURE_WORK_TENANTS: '11111111-2222-3333-4444-555555555555',
  })
  expect(providers).toMatchObject([
    {
      id: 'azure-work',
      type: 'microsoft',
      name: 'Example staff',
      scopes: ['openid', 'email'],
      nativeClientIds: ['ios', 'android'],
      email: 'verified',
      nonce: 'optional',
      keepTokens: true,
      tenants: ['11111111-2222-3333-4444-555555555555'],
    },
  ])
})

test('Apple’s tokens are always kept, and its key may be on one line', () => {
  const oneLine = { ...apple, PROVIDER_APPLE_PRIVATE_KEY: APPLE_KEY.replaceAll('\n', '\\n') }
  for (const environment of [apple, oneLine]) {
    expect(loadConfig(environment).providers).toMatchObject([
      { keepTokens: true, privateKey: APPLE_KEY.trim() },
    ])
  }
})

test('settings of a provider that is not listed are ignored', () => {
  expect(loadConfig({ ...corp, PROVIDERS: '' }).providers).toEqual([])
})

describe('the error names', () => {
  test.each([
    ['a required setting', { PROVIDERS: 'corp' }, ['PROVIDER_CORP_CLIENT_ID', 'PROVIDER_CORP_ISSUER']],
    ['a misspelled setting', { ...corp, PROVIDER_CORP_CLIENTID: 'x' }, ['PROVIDER_CORP_CLIENTID']],
    [
      'a missing secret',
      { PROVIDERS: 'github', PROVIDER_GITHUB_CLIENT_ID: 'x' },
      ['PROVIDER_GITHUB_CLIENT_SECRET'],
    ],
    [
      'Apple’s unused secret',
      { ...apple, PROVIDER_APPLE_CLIENT_SECRET: 'x' },
      ['PROVIDER_APPLE_CLIENT_SECRET'],
    ],
    ['Apple’s broken key', { ...apple, PROVIDER_APPLE_PRIVATE_KEY: 'x' }, ['PROVIDER_APPLE_PRIVATE_KEY']],
    ['an unknown type', { ...corp, PROVIDER_CORP_TYPE: 'saml' }, ['PROVIDER_CORP_TYPE']],
    ['tenants of another provider', { ...corp, PROVIDER_CORP_TENANTS: 'common' }, ['PROVIDER_CORP_TENANTS']],
    ['a tenant that is not an ID', { ...corp, PROVIDER_CORP_TENANTS: 'example' }, ['PROVIDER_CORP_TENANTS']],
    [
      'an issuer without encryption',
      { ...corp, PROVIDER_CORP_ISSUER: 'http://idp' },
      ['PROVIDER_CORP_ISSUER'],
    ],
    ['an issuer with a query', { ...corp, PROVIDER_CORP_ISSUER: 'https://a.b/?x' }, ['PROVIDER_CORP_ISSUER']],
    ['a provider listed twice', { ...corp, PROVIDERS: 'corp,corp' }, ['PROVIDERS']],
    ['an invalid name', { ...corp, PROVIDERS: '../corp' }, ['PROVIDERS']],
    ['an unknown rule for linking', { ...corp, PROVIDER_LINKING: 'always' }, ['PROVIDER_LINKING']],
  ] as [string, Record<string, string>, string[]][])('%s', (_what, environment, names) => {
    expect(problemsOf(environment).map(problem => problem.split(':')[0])).toEqual(names)
  })
})

test('a secret never appears in an error', () => {
  const problems = problemsOf({
    ...apple,
    PROVIDER_APPLE_PRIVATE_KEY: 'PRIVATE hunter2',
    PROVIDER_APPLE_CLIENT_SECRET: 'hunter2',
  })
  expect(problems.length).toBeGreaterThan(0)
  expect(problems.join()).not.toContain('hunter2')
})

test('http to this machine is for development only', () => {
  const local = { ...corp, PROVIDER_CORP_ISSUER: 'http://localhost:9000' }
  expect(loadConfig(local).providers[0]?.issuer).toBe('http://localhost:9000')
  const production = {
    ...local,
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://auth.example.com',
    AUTHOGRAPH_SECRET: 'x'.repeat(32),
    MAIL: 'off',
  }
  expect(problemsOf(production)).toEqual([
    expect.stringMatching(/^PROVIDER_CORP_ISSUER: must be an https URL/),
  ])
})
