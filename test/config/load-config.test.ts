import { availableParallelism } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ConfigError, loadConfig, requireSender, settingNames } from '../../src/config.ts'

const SECRET = 'a secret that only these tests use'

function problemsOf(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

test('WORKERS=auto is one process for each core', () => {
  expect(loadConfig({ WORKERS: 'auto' }).workers).toBe(availableParallelism())
  expect(loadConfig({ WORKERS: '3' }).workers).toBe(3)
})

test('development requires no settings', () => {
  expect(loadConfig({})).toEqual({
    production: false,
    host: 'localhost',
    port: 4000,
    workers: 1,
    publicUrl: 'http://localhost:4000',
    appName: 'Authograph',
    web: {
      enabled: true,
      logoUrl: undefined,
      color: '#5b5bd6',
      returnOrigins: ['http://localhost:4000'],
    },
    links: { terms: undefined, privacy: undefined, support: undefined },
    dataDir: path.resolve('data'),
    secret: undefined,
    previousSecrets: [],
    database: { url: undefined, pooler: 'auto', poolSize: 10, timeoutMs: 1500 },
    tokens: {
      issuer: 'http://localhost:4000',
      audience: 'authograph',
      claims: [],
      accessTtlSeconds: 600,
      accessMaxTtlSeconds: 3600,
    },
    sessions: { idleTtlSeconds: 2_592_000, absoluteTtlSeconds: 7_776_000, shortTtlSeconds: 86_400, max: 100 },
    dpop: 'refresh',
    requireBoundSessions: false,
    apiKeysMax: 20,
    registrationOpen: true,
    emailVerification: 'optional',
    emailLogin: false,
    providers: [],
    providerLinking: 'auto',
    nativeReturnUrls: [],
    trustedDeviceTtlSeconds: 30 * 86_400,
    factorRecoveryWaitSeconds: null,
    passwords: { minLength: 8, maxLength: 128, breachedFile: undefined },
    totp: true,
    tracing: false,
    passkeys: {
      enabled: true,
      rpId: 'localhost',
      rpName: 'Authograph',
      origins: ['http://localhost:4000'],
      appleApps: [],
      androidApps: [],
    },
    hashing: {
      memoryKib: 19_456,
      timeCost: 2,
      parallelism: 1,
      // One core stays free where there are more than two.
      concurrency: [1, 2][availableParallelism() - 1] ?? availableParallelism() - 1,
      queueMax: 1000,
      waitMs: 750,
    },
    limits: {
      'login.account': { attempts: 10, windowSeconds: 900 },
      'login.device': { attempts: 10, windowSeconds: 900 },
      'login.network': { attempts: 300, windowSeconds: 900 },
      'work.account': { attempts: 100, windowSeconds: 900 },
      'work.network': { attempts: 1000, windowSeconds: 900 },
      'register.network': { attempts: 500, windowSeconds: 3600 },
      'proof.account': { attempts: 10, windowSeconds: 900 },
      'refresh.network': { attempts: 300, windowSeconds: 900 },
      'mail.address': { attempts: 5, windowSeconds: 3600 },
      'mail.network': { attempts: 100, windowSeconds: 3600 },
      'client.network': { attempts: 300, windowSeconds: 900 },
      'token.network': { attempts: 30, windowSeconds: 900 },
      'passkey.network': { attempts: 60, windowSeconds: 900 },
      'provider.network': { attempts: 300, windowSeconds: 900 },
      'email-code.account': { attempts: 10, windowSeconds: 900 },
      'profile.account': { attempts: 100, windowSeconds: 900 },
      'export.account': { attempts: 30, windowSeconds: 3600 },
      'factor.account': { attempts: 10, windowSeconds: 900 },
      'factor.device': { attempts: 10, windowSeconds: 900 },
    },
    mail: {
      enabled: true,
      noticeLimit: { attempts: 5, windowSeconds: 86_400 },
      smtpUrl: undefined,
      from: { name: 'Authograph', address: 'no-reply@localhost' },
    },
    locales: ['en', 'ko'],
    trustedProxies: [],
    corsOrigins: [],
    cookiePrefix: 'authograph',
    introspection: true,
    federation: false,
    sandbox: true,
    explorer: 'sandbox',
    metricsToken: undefined,
    webhookNetworks: ['127.0.0.0/8', '::1/128'],
    beforeSignUp: undefined,
    logLevel: 'info',
  })
})

test('an empty variable counts as unset', () => {
  expect(loadConfig(Object.fromEntries(settingNames.map(name => [name, ' '])))).toEqual(loadConfig({}))
})

test('variables of other programs are ignored', () => {
  expect(loadConfig({ PATH: '/bin', POSTGRES_PASSWORD: 'x' })).toEqual(loadConfig({}))
})

test.each([
  ['90', 90],
  ['45s', 45],
  ['10m', 600],
  ['24h', 86_400],
  ['1d', 86_400],
])('a duration of %s is %d seconds', (text, seconds) => {
  expect(loadConfig({ SESSION_SHORT_TTL: text }).sessions.shortTtlSeconds).toBe(seconds)
})

test.each([
  [{ PORT: '5000' }, { publicUrl: 'http://localhost:5000', tokens: { issuer: 'http://localhost:5000' } }],
  [
    { PUBLIC_URL: 'https://auth.example.com/' },
    { publicUrl: 'https://auth.example.com', tokens: { issuer: 'https://auth.example.com' } },
  ],
  [
    {
      PUBLIC_URL: 'https://auth.example.com',
      TOKEN_ISSUER: 'https://id.example.com',
      TOKEN_AUDIENCE: 'shop',
    },
    { publicUrl: 'https://auth.example.com', tokens: { issuer: 'https://id.example.com', audience: 'shop' } },
  ],
  [{ DATA_DIR: '/var/lib/authograph' }, { dataDir: '/var/lib/authograph' }],
  [{ DATABASE_URL: 'postgres://db/auth' }, { database: { url: 'postgres://db/auth' } }],
  [{ REGISTRATION: 'closed' }, { registrationOpen: false }],
  [{ EMAIL_VERIFICATION: 'required' }, { emailVerification: 'required' }],
  [
    { LIMIT_LOGIN_ACCOUNT: '3/90', LIMIT_REGISTER_NETWORK: '9999999/30d' },
    {
      limits: {
        'login.account': { attempts: 3, windowSeconds: 90 },
        'register.network': { attempts: 9_999_999, windowSeconds: 2_592_000 },
      },
    },
  ],
  [
    { WEBHOOK_NETWORKS: '10.0.0.0/8, 192.168.1.7, fd00::1' },
    { webhookNetworks: ['10.0.0.0/8', '192.168.1.7/32', 'fd00::1/128'] },
  ],
  [{ TRUSTED_PROXIES: '10.0.0.0/8, ::1' }, { trustedProxies: ['10.0.0.0/8', '::1'] }],
  [{ LOCALES: ' ko , pt-BR ,' }, { locales: ['ko', 'pt-BR'] }],
  [
    { CORS_ORIGINS: 'https://App.example.com/, http://localhost:3000,https://b.example:443' },
    { corsOrigins: ['https://app.example.com', 'http://localhost:3000', 'https://b.example'] },
  ],
  [{ TRUSTED_DEVICE_TTL: 'off' }, { trustedDeviceTtlSeconds: null }],
  [{ FACTOR_RECOVERY_WAIT: '3d' }, { factorRecoveryWaitSeconds: 3 * 86_400 }],
  [{ TRUSTED_DEVICE_TTL: '7d' }, { trustedDeviceTtlSeconds: 7 * 86_400 }],
  [{ EMAIL_LOGIN: 'on' }, { emailLogin: true }],
  [{ WEB: 'off' }, { web: { enabled: false } }],
  [{ NODE_ENV: 'test' }, { web: { enabled: false } }],
  [{ BRAND_COLOR: '#FFD400' }, { web: { color: '#ffd400' } }],
  [{ BRAND_COLOR: '0A8000' }, { web: { color: '#0a8000' } }],
  [
    { BRAND_LOGO_URL: 'https://cdn.example.com/l.svg' },
    { web: { logoUrl: 'https://cdn.example.com/l.svg' } },
  ],
  [
    { TERMS_URL: 'https://example.com/terms?v=2#top', SUPPORT_URL: 'https://help.example.com/' },
    { links: { terms: 'https://example.com/terms?v=2#top', support: 'https://help.example.com/' } },
  ],
  [
    { RETURN_ORIGINS: 'https://App.example.com, http://localhost:3000/' },
    { web: { returnOrigins: ['https://app.example.com', 'http://localhost:3000'] } },
  ],
  [
    { CORS_ORIGINS: 'http://localhost:5173' },
    { web: { returnOrigins: ['http://localhost:4000', 'http://localhost:5173'] } },
  ],
  [{ PUBLIC_URL: 'https://auth.example.com/sso' }, { web: { returnOrigins: ['https://auth.example.com'] } }],
  [{ INTROSPECTION: 'off' }, { introspection: false, sandbox: true }],
  [{ SANDBOX: 'off' }, { introspection: true, sandbox: false }],
])('the settings %j are applied', (environment, config) => {
  expect(loadConfig(environment as Record<string, string>)).toMatchObject(config)
})

describe('production mode', () => {
  const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://auth.example.com' }

  test('requires a secret, and says how to generate one', () => {
    const problem = expect.stringMatching(/^AUTHOGRAPH_SECRET: is required in production .*openssl rand/)
    expect(problemsOf({ ...production, MAIL: 'off' })).toEqual([problem])
    expect(problemsOf({ ...production, MAIL: 'off', AUTHOGRAPH_SECRET: '  ' })).toEqual([problem])
    expect(problemsOf({ ...production, MAIL: 'off', PORT: 'x' })).toEqual([
      expect.stringContaining('PORT'),
      problem,
    ])
  })

  test('requires a mail server unless MAIL=off', () => {
    const secret = { ...production, AUTHOGRAPH_SECRET: SECRET }
    expect(problemsOf(secret)).toEqual([expect.stringMatching(/^SMTP_URL: is required .*MAIL=off/)])
    expect(loadConfig({ ...secret, MAIL: 'off' })).toMatchObject({ emailVerification: 'off' })
    const SMTP_URL = 'smtps://user:password@smtp.example.com'
    expect(loadConfig({ ...secret, SMTP_URL })).toMatchObject({
      emailVerification: 'optional',
      mail: { smtpUrl: SMTP_URL, from: { name: 'Authograph', address: 'no-reply@auth.example.com' } },
    })
  })

  test('requires no mail server of a program that sends emails itself, and of no other', () => {
    const config = loadConfig({ ...production, AUTHOGRAPH_SECRET: SECRET }, { sendsMail: true })
    expect(() => requireSender(config, true)).not.toThrow()
    expect(() => requireSender(config, false)).toThrow('SMTP_URL: is required in production, unless MAIL=off')
  })

  test('refuses argon2 parameters below OWASP’s minimums, and accepts the minimums', () => {
    const safe = { ...production, AUTHOGRAPH_SECRET: SECRET, MAIL: 'off' }
    const costs = ([memoryKib, passes]: readonly [number, number]) => ({
      ...safe,
      ARGON2_MEMORY_KIB: String(memoryKib),
      ARGON2_TIME_COST: String(passes),
    })
    const cheap = [
      [8, 1],
      [19_455, 2],
      [19_456, 1],
      [7167, 1000],
    ] as const
    for (const cost of cheap) {
      const problem = expect.stringMatching(/^ARGON2_MEMORY_KIB: .*too low for production/)
      expect([cost, ...problemsOf(costs(cost))]).toEqual([cost, problem])
    }
    const recommended = [
      [47_104, 1],
      [19_456, 2],
      [12_288, 3],
      [9216, 4],
      [7168, 5],
    ] as const
    for (const cost of recommended) expect(loadConfig(costs(cost)).production).toBe(true)
  })

  test('requires PUBLIC_URL, so plain http is an explicit choice', () => {
    const { PUBLIC_URL, ...rest } = { ...production, AUTHOGRAPH_SECRET: SECRET, MAIL: 'off' }
    expect(problemsOf(rest)).toEqual([expect.stringMatching(/^PUBLIC_URL: is required in production/)])
    expect(loadConfig({ ...rest, PUBLIC_URL })).toMatchObject({ publicUrl: PUBLIC_URL })
    const plain = 'http://localhost:8080'
    expect(loadConfig({ ...rest, PUBLIC_URL: plain })).toMatchObject({ publicUrl: plain })
  })

  test('disables introspection, Sandbox and the pages by default', () => {
    const safe = { ...production, AUTHOGRAPH_SECRET: SECRET, MAIL: 'off' }
    const closed = { introspection: false, sandbox: false, web: { enabled: false } }
    expect(loadConfig(safe)).toMatchObject({ production: true, ...closed })
    const opened = loadConfig({ ...safe, INTROSPECTION: 'on', SANDBOX: 'on', WEB: 'on' })
    expect(opened).toMatchObject({ introspection: true, sandbox: true, web: { enabled: true } })
  })
})

describe('the error names an invalid setting:', () => {
  test.each([
    ['NODE_ENV', ['staging']],
    ['PORT', ['-1', '65536', '80.5', 'http']],
    ['PUBLIC_URL', ['auth.example.com', 'ftp://auth.example.com', 'https://']],
    ['DATABASE_URL', ['mysql://localhost/auth', 'localhost']],
    ['DATABASE_POOL_SIZE', ['0', '1001']],
    ['AUTHOGRAPH_SECRET', ['a'.repeat(31)]],
    ['TOKEN_ISSUER', ['authograph']],
    ['ACCESS_TOKEN_TTL', ['0', '0m', '-5', '10 minutes', '1.5h', '10w']],
    ['ACCESS_TOKEN_MAX_TTL', ['0s', 'day']],
    ['SESSION_IDLE_TTL', ['0d', 'never']],
    ['SESSION_ABSOLUTE_TTL', ['0d', 'never']],
    ['SESSION_SHORT_TTL', ['0', 'h']],
    ['SESSIONS_MAX', ['0', '1001', 'many']],
    ['REGISTRATION', ['on', 'true']],
    ['EMAIL_VERIFICATION', ['on', 'true']],
    ['MAIL', ['yes', 'smtp']],
    ['SMTP_URL', ['smtp.example.com', 'https://smtp.example.com']],
    ['MAIL_FROM', ['Authograph', 'a@example.com\nBcc: b@example.com']],
    ['APP_NAME', ['x'.repeat(51), 'two\nlines']],
    [
      'LIMIT_LOGIN_ACCOUNT',
      ['10', 'off', '0/15m', '10/0', '10/0s', '-1/1m', '10/1.5h', '10/31d', '10/99999999999d'],
    ],
    ['TRUSTED_PROXIES', ['true', '1', '10.0.0.0/33', 'proxy.internal', '10.0.0.1,any', '0.0.0.0/0', '::/0']],
    ['PASSWORD_MIN_LENGTH', ['7', '65', 'ten']],
    ['PASSWORD_MAX_LENGTH', ['63', '1025']],
    ['BREACHED_PASSWORDS_FILE', ['/nowhere/hashes.txt']],
    ['ARGON2_MEMORY_KIB', ['7', '4194305']],
    ['ARGON2_TIME_COST', ['0', '1001']],
    ['ARGON2_PARALLELISM', ['0', '65']],
    ['HASH_CONCURRENCY', ['0', '129']],
    ['WORKERS', ['0', '129', 'many', '1.5']],
    ['HASH_QUEUE_MAX', ['0', '100001']],
    ['LOCALES', [',', 'en_US', 'en,not a tag']],
    [
      'CORS_ORIGINS',
      ['*', 'shop.example.com', 'https://shop.example.com/cart', 'https://a@b.example', 'file:///'],
    ],
    ['WEB', ['true']],
    ['BRAND_LOGO_URL', ['logo.svg', 'javascript:alert(1)', 'data:image/svg+xml,x']],
    ['TERMS_URL', ['http://example.com/terms', 'terms.html', 'javascript:alert(1)', 'mailto:a@b.example']],
    ['PRIVACY_URL', ['http://example.com/privacy', 'https://']],
    ['SUPPORT_URL', ['http://example.com/help', 'data:text/html,x']],
    ['BRAND_COLOR', ['red', '#fff', '#5b5bd6ff', 'url(x)']],
    ['RETURN_ORIGINS', ['*', 'shop.example.com', 'https://shop.example.com/cart', 'https://a@b.example']],
    ['INTROSPECTION', ['true']],
    ['SANDBOX', ['yes']],
    ['METRICS_TOKEN', ['too short']],
    ['AUDIT_RETENTION', ['for ever', '3600']],
    ['LOG_LEVEL', ['loud']],
  ])('%s', (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ [name]: value })
      expect([value, ...problems]).toEqual([value, expect.stringMatching(`^${name}: .`)])
      // The value may be a secret or a URL that contains one.
      if (value.length > 6) expect(problems.join()).not.toContain(value)
    }
  })

  test('all of them together, including contradictions', () => {
    expect(
      problemsOf({
        NODE_ENV: 'production',
        PORT: 'http',
        LOG_LEVEL: 'loud',
        ACCESS_TOKEN_TTL: '2d',
        SESSION_IDLE_TTL: '91d',
        ARGON2_MEMORY_KIB: '16',
        ARGON2_PARALLELISM: '4',
      }).sort(),
    ).toEqual([
      'ACCESS_TOKEN_TTL: must not exceed ACCESS_TOKEN_MAX_TTL',
      expect.stringMatching(/^ARGON2_MEMORY_KIB: is too low/),
      'ARGON2_MEMORY_KIB: must be at least 8 times ARGON2_PARALLELISM',
      expect.stringMatching(/^AUTHOGRAPH_SECRET: /),
      expect.stringMatching(/^LOG_LEVEL: /),
      expect.stringMatching(/^PORT: /),
      expect.stringMatching(/^PUBLIC_URL: /),
      'SESSION_IDLE_TTL: must not exceed SESSION_ABSOLUTE_TTL',
      expect.stringMatching(/^SMTP_URL: /),
    ])
  })

  test('without contradictions of a setting that is itself invalid', () => {
    expect(problemsOf({ ACCESS_TOKEN_TTL: '2d', ACCESS_TOKEN_MAX_TTL: 'long' })).toEqual([
      expect.stringMatching(/^ACCESS_TOKEN_MAX_TTL: /),
    ])
  })
})

test('the error lists each problem on its own line', () => {
  expect(() => loadConfig({ PORT: 'x', SANDBOX: 'x' })).toThrow(
    /^The settings are invalid:\n {2}PORT: must be a number\n {2}SANDBOX: must be on or off$/,
  )
})
