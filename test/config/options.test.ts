import { expect, test } from '@jest/globals'
import { ConfigError, loadConfig, settingNames } from '../../src/config.ts'
import { type AuthographOptions, configOf } from '../../src/options.ts'
import { configWith, optionName, type SettingOptions, settingOptionNames } from '../../src/setting-options.ts'

function problemsOf(options: object, environment: Record<string, string> = {}): string[] {
  try {
    configWith(options, environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** One of each kind, with the types that programs use. */
const options: SettingOptions = {
  publicUrl: 'https://example.com/auth',
  databaseUrl: 'postgresql://localhost/auth',
  accessTokenTtl: 300,
  sessionIdleTtl: '7d',
  factorRecoveryWait: 'off',
  limitLoginAccount: { attempts: 5, windowSeconds: 60 },
  limitMailAddress: '3/1h',
  passwordMinLength: 12,
  emailLogin: true,
  web: false,
  registration: 'closed',
  corsOrigins: ['https://app.example.com', 'https://admin.example.com'],
  tokenClaims: ['permissions', 'roles'],
  returnOrigins: [],
  trustedProxies: ['10.0.0.0/8'],
  passkeyRpId: 'example.com',
  argon2MemoryKib: 65_536,
  providers: [
    'naver',
    {
      id: 'google',
      clientId: 'web',
      clientSecret: 'secret',
      nativeClientIds: ['ios', 'android'],
      keepTokens: true,
    },
    { id: 'my-corp', issuer: 'https://id.example.com', clientId: 'authograph', scopes: ['openid', 'email'] },
  ],
}
const environment = { PROVIDER_NAVER_CLIENT_ID: 'naver', PROVIDER_NAVER_CLIENT_SECRET: 'secret' }

test('options in code mean the same as the settings in the environment', () => {
  expect(configWith(options, environment)).toEqual(
    loadConfig({
      ...environment,
      PUBLIC_URL: 'https://example.com/auth',
      DATABASE_URL: 'postgresql://localhost/auth',
      ACCESS_TOKEN_TTL: '5m',
      SESSION_IDLE_TTL: '7d',
      LIMIT_LOGIN_ACCOUNT: '5/1m',
      LIMIT_MAIL_ADDRESS: '3/1h',
      PASSWORD_MIN_LENGTH: '12',
      EMAIL_LOGIN: 'on',
      WEB: 'off',
      REGISTRATION: 'closed',
      CORS_ORIGINS: 'https://app.example.com,https://admin.example.com',
      TOKEN_CLAIMS: 'permissions,roles',
      RETURN_ORIGINS: ',',
      TRUSTED_PROXIES: '10.0.0.0/8',
      PASSKEY_RP_ID: 'example.com',
      ARGON2_MEMORY_KIB: '65536',
      PROVIDERS: 'naver,google,my-corp',
      PROVIDER_GOOGLE_CLIENT_ID: 'web',
      PROVIDER_GOOGLE_CLIENT_SECRET: 'secret',
      PROVIDER_GOOGLE_NATIVE_CLIENT_IDS: 'ios,android',
      PROVIDER_GOOGLE_KEEP_TOKENS: 'on',
      PROVIDER_MY_CORP_ISSUER: 'https://id.example.com',
      PROVIDER_MY_CORP_CLIENT_ID: 'authograph',
      PROVIDER_MY_CORP_SCOPES: 'openid,email',
    }),
  )
})

test('every setting is an option in camel case', () => {
  expect(settingOptionNames).toEqual(settingNames.map(optionName))
  expect(['ARGON2_MEMORY_KIB', 'PASSKEY_RP_ID', 'WEB'].map(optionName)).toEqual([
    'argon2MemoryKib',
    'passkeyRpId',
    'web',
  ])
})

test('an option wins over the environment, and an omitted or undefined one does not', () => {
  const set = {
    ACCESS_TOKEN_TTL: '1m',
    SESSIONS_MAX: '7',
    EMAIL_LOGIN: 'on',
    CORS_ORIGINS: 'https://a.example',
  }
  const config = configWith(
    { accessTokenTtl: 120, sessionsMax: undefined, emailLogin: false, corsOrigins: [] },
    set,
  )
  expect([
    config.tokens.accessTtlSeconds,
    config.sessions.max,
    config.emailLogin,
    config.corsOrigins,
  ]).toEqual([120, 7, false, []])
})

test.each<[string, object, string[]]>([
  [
    'a value',
    { accessTokenTtl: '10 minutes' },
    ['accessTokenTtl: must be seconds or a duration such as 30s, 10m, 24h or 90d'],
  ],
  ['a type', { corsOrigins: { app: true } }, ['corsOrigins: has the wrong type']],
  [
    'an item with a comma',
    { corsOrigins: ['https://a.example,https://b.example'] },
    ['corsOrigins: must not have a comma in an item'],
  ],
  [
    'a setting of a provider',
    { providers: [{ id: 'google', clientId: 'a', clientSecret: 'b', email: 'always' }] },
    ['providers.google.email: must be authoritative, verified or never'],
  ],
  [
    'an unknown setting of a provider',
    { providers: [{ id: 'google', clientId: 'a', clientSecret: 'b', secret: 'c' }] },
    ['providers.google.secret: is not an option'],
  ],
  [
    'providers that are no list',
    { providers: 'google' },
    ['providers: must be a list of IDs or of objects with an id'],
  ],
])('a problem with %s names the option', (_case, given, problems) => {
  expect(problemsOf(given)).toEqual(problems)
})

test('a problem with a setting of the environment names the setting, among those of options', () => {
  expect(problemsOf({ port: -1 }, { SESSIONS_MAX: '0' }).sort()).toEqual([
    'SESSIONS_MAX: must be at least 1',
    'port: must be at least 0',
  ])
})

test.each([
  ['publicURL', 'publicURL: is not an option; the option is publicUrl'],
  ['PUBLIC_URL', 'PUBLIC_URL: is not an option; the option is publicUrl'],
  ['resolver', 'resolver: is not an option'],
])('a misspelled option is refused: %s', (name, problem) => {
  expect(() => configOf({ [name]: 'https://example.com' } as AuthographOptions)).toThrow(problem)
})

test('beside a whole config, settings in code are refused rather than ignored', () => {
  const config = loadConfig({})
  expect(configOf({ config })).toBe(config)
  expect(() => configOf({ config, port: 1 })).toThrow('port: has no effect beside config')
})

test('mail is the setting as a switch, and the program’s own emails as an object', () => {
  const send = () => {}
  const production: AuthographOptions = {
    nodeEnv: 'production',
    publicUrl: 'https://example.com',
    authographSecret: 'a secret that only the tests may know',
  }
  expect(() => configOf({ ...production, mail: true })).toThrow('SMTP_URL: is required in production')
  expect(() => configOf({ ...production, mail: { templates: {} } })).toThrow('SMTP_URL: is required')
  expect(configOf({ ...production, mail: { send } }).mail).toMatchObject({
    enabled: true,
    smtpUrl: undefined,
  })
  const config = configOf({ ...production, mail: false })
  expect(config.mail.enabled).toBe(false)
  expect(configOf({ config, mail: { send } })).toBe(config)
  expect(() => configOf({ config, mail: false })).toThrow('mail: has no effect beside config')
})
