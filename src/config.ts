import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { databaseUrlProblem } from './database-url.ts'
import type { Environment } from './environment.ts'
import { readProviders } from './provider-settings/read.ts'
import type { ProviderSettings } from './provider-settings/settings.ts'
import { androidOrigin, isAndroidOrigin, isDomain, isWithin, parseAndroidApp } from './relying-party.ts'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** A duration in seconds, written as a number or as `30s`, `10m`, `24h`, `90d`. */
const duration = z
  .string()
  .regex(/^\d+[smhd]?$/, 'must be seconds or a duration such as 30s, 10m, 24h or 90d')
  .transform(toSeconds)
  .refine(seconds => seconds > 0, 'must be more than 0')

/** A duration in seconds, or null for `off`. */
const durationOrOff = z.union([z.literal('off').transform(() => null), duration], {
  error: 'must be off, seconds or a duration such as 30s, 10m, 24h or 90d',
})

const LIMIT_WINDOW_MAX_SECONDS = 30 * SECONDS.d

/** A number of attempts in a time window, such as `10/15m`. */
const limit = (attempts: number, windowSeconds: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,6}\/[1-9]\d*[smhd]?$/, 'must be attempts per time window, such as 10/15m')
    .transform(text => {
      const [count = '', window = ''] = text.split('/')
      return { attempts: Number(count), windowSeconds: toSeconds(window) }
    })
    .refine(rule => rule.windowSeconds <= LIMIT_WINDOW_MAX_SECONDS, 'must have a time window of at most 30d')
    .default({ attempts, windowSeconds })

const integer = (min: number, max: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
const onOff = z.enum(['on', 'off'], { error: 'must be on or off' }).transform(value => value === 'on')
const list = z.string().transform(text =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(Boolean),
)
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).transform(trimSlash)
/** The address of a request: its path and query are kept as they are. */
const httpUrlWithPath = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
/** Schemes that lead to no app, or that run or reveal something in a browser. */
const NOT_OF_APPS = /^(?:http|javascript|data|vbscript|blob|file|about|filesystem|view-source):/i
const nativeReturnUrl = z
  .string()
  .refine(
    text => /^[a-z][a-z0-9+.-]*:\/\/?[^\s#]*$/i.test(text) && URL.canParse(text) && !NOT_OF_APPS.test(text),
    'must be a list of addresses of apps such as myapp://sign-in or https://app.example.com/sign-in',
  )
/** A page that people open from an email: its address is kept as it is, with its query and fragment. */
const httpsUrl = z.url({ protocol: /^https$/, error: 'must be an https URL' })
const ORIGINS_PROBLEM = 'must be a list of origins such as https://app.example.com'
const origin = z
  .string()
  .refine(isWebOrigin, ORIGINS_PROBLEM)
  // Normalized to the form that browsers send.
  .transform(text => new URL(text).origin)
const passkeyOrigin = z
  .string()
  .refine(text => isAndroidOrigin(text) || isWebOrigin(text), ORIGINS_PROBLEM)
  .transform(text => (isAndroidOrigin(text) ? text : new URL(text).origin))
const domain = z
  .string()
  .trim()
  .toLowerCase()
  .refine(isDomain, 'must be a domain without scheme or port, such as example.com')
const appleApp = z
  .string()
  .regex(/^[A-Z0-9]{10}\.[\w.-]+$/i, 'must be a list of app IDs such as ABCDE12345.com.example.app')
const androidApp = z.string().transform((text, context) => {
  const app = parseAndroidApp(text)
  if (app) return app
  context.addIssue('must be a list such as com.example.app=14:6D:E9:… with the SHA-256 fingerprint')
  return z.NEVER
})
const TOKEN_CLAIMS = ['permissions', 'roles', 'role', 'email', 'hasura'] as const
const tokenClaim = z.enum(TOKEN_CLAIMS, { error: `must be a list of ${TOKEN_CLAIMS.join(', ')}` })
const languages = list
  .refine(tags => tags.length > 0, 'must name at least one language')
  .refine(tags => tags.every(isLanguageTag), 'must be a list of language tags such as en,pt-BR')

const databaseUrl = z.string().superRefine((text, context) => {
  const problem = databaseUrlProblem(text)
  if (problem) context.addIssue(problem)
})

const color = z
  .string()
  // The # is optional, because it starts a comment in a .env file.
  .regex(/^#?[0-9a-f]{6}$/i, 'must be a color such as #5b5bd6')
  .transform(text => `#${text.replace('#', '').toLowerCase()}`)

/** A single line of text. */
const label = (maxLength: number) =>
  z
    .string()
    .trim()
    .max(maxLength, `must have at most ${maxLength} characters`)
    .regex(/^\P{C}*$/u, 'must be one line')

const network = z
  .string()
  .refine(
    text => ipaddr.isValidCIDR(text) || (ipaddr.isValid(text) && /[.:]/.test(text)),
    'must be a list of networks such as 10.0.0.0/8',
  )
const cidr = network.refine(
  text => !text.endsWith('/0'),
  'must not include every address, because clients could then choose their own',
)

/** Networks that webhooks reach by default outside production. */
const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** A single address becomes a network of its own. */
function toCidr(network: string): string {
  if (network.includes('/')) return network
  return `${network}/${network.includes(':') ? 128 : 32}`
}

function toSeconds(text: string): number {
  const unit = text.at(-1) as keyof typeof SECONDS
  return unit in SECONDS ? Number(text.slice(0, -1)) * SECONDS[unit] : Number(text)
}

function isWebOrigin(text: string): boolean {
  return /^https?:\/\/[^/?#@]+\/?$/i.test(text) && URL.canParse(text)
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

function isLanguageTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

const WORKERS_MAX = 128

/** One core stays free for everything else where there are enough. Hashing yields to it, but not to the database. */
export function hashingCores(cores: number): number {
  return cores > 2 ? cores - 1 : cores
}

const settings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  HOST: z.string().default('localhost'),
  PORT: integer(0, 65_535).default(4000),
  WORKERS: z
    .union([z.literal('auto').transform(() => availableParallelism()), integer(1, WORKERS_MAX)], {
      error: `must be auto, or a number from 1 to ${WORKERS_MAX}`,
    })
    .default(1),
  PUBLIC_URL: httpUrl.optional(),
  APP_NAME: label(50).default('Authograph'),
  WEB: onOff.optional(),
  BRAND_LOGO_URL: httpUrl.optional(),
  BRAND_COLOR: color.default('#5b5bd6'),
  TERMS_URL: httpsUrl.optional(),
  PRIVACY_URL: httpsUrl.optional(),
  SUPPORT_URL: httpsUrl.optional(),
  RETURN_ORIGINS: list.pipe(z.array(origin)).optional(),
  NATIVE_RETURN_URLS: list.pipe(z.array(nativeReturnUrl)).default([]),
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_POOLER: z
    .enum(['auto', 'session', 'transaction'], { error: 'must be auto, session or transaction' })
    .default('auto'),
  DATABASE_POOL_SIZE: integer(1, 1000).default(10),
  DATA_DIR: z.string().default('data'),
  AUTHOGRAPH_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  AUTHOGRAPH_PREVIOUS_SECRETS: list.default([]),
  TOKEN_ISSUER: httpUrl.optional(),
  TOKEN_AUDIENCE: z.string().default('authograph'),
  TOKEN_CLAIMS: list.pipe(z.array(tokenClaim)).default([]),
  ACCESS_TOKEN_TTL: duration.default(600),
  ACCESS_TOKEN_MAX_TTL: duration.default(3600),
  SESSION_IDLE_TTL: duration.default(30 * 86_400),
  SESSION_ABSOLUTE_TTL: duration.default(90 * 86_400),
  SESSION_SHORT_TTL: duration.default(86_400),
  SESSIONS_MAX: integer(1, 1000).default(100),
  DPOP: z.enum(['off', 'refresh', 'full'], { error: 'must be off, refresh or full' }).default('refresh'),
  REQUIRE_BOUND_SESSIONS: onOff.default(false),
  API_KEYS_MAX: integer(0, 100).default(20),
  REGISTRATION: z.enum(['open', 'closed'], { error: 'must be open or closed' }).default('open'),
  EMAIL_VERIFICATION: z
    .enum(['off', 'optional', 'required'], { error: 'must be off, optional or required' })
    .optional(),
  PASSKEYS: onOff.optional(),
  PASSKEY_RP_ID: domain.optional(),
  PASSKEY_ORIGINS: list.pipe(z.array(passkeyOrigin)).optional(),
  PASSKEY_APPLE_APPS: list.pipe(z.array(appleApp)).default([]),
  PASSKEY_ANDROID_APPS: list.pipe(z.array(androidApp)).default([]),
  EMAIL_LOGIN: onOff.default(false),
  PROVIDERS: list.default([]),
  PROVIDER_LINKING: z.enum(['auto', 'ask'], { error: 'must be auto or ask' }).default('auto'),
  TRUSTED_DEVICE_TTL: durationOrOff.default(30 * 86_400),
  FACTOR_RECOVERY_WAIT: durationOrOff
    .refine(
      seconds => seconds === null || (seconds >= SECONDS.h && seconds <= 21 * SECONDS.d),
      'must be off, or between 1h and 21d',
    )
    .default(null),
  PASSWORD_MIN_LENGTH: integer(8, 64).default(8),
  PASSWORD_MAX_LENGTH: integer(64, 1024).default(128),
  BREACHED_PASSWORDS_FILE: z.string().refine(existsSync, 'must be an existing file').optional(),
  ARGON2_MEMORY_KIB: integer(8, 4_194_304).default(19_456),
  ARGON2_TIME_COST: integer(1, 1000).default(2),
  ARGON2_PARALLELISM: integer(1, 64).default(1),
  HASH_CONCURRENCY: integer(1, 128).default(Math.min(hashingCores(availableParallelism()), 128)),
  HASH_QUEUE_MAX: integer(1, 100_000).default(1000),
  HASH_WAIT_MS: integer(1, 60_000).default(750),
  TOTP: onOff.default(true),
  LIMIT_LOGIN_ACCOUNT: limit(10, 900),
  LIMIT_LOGIN_DEVICE: limit(10, 900),
  LIMIT_LOGIN_NETWORK: limit(300, 900),
  LIMIT_WORK_ACCOUNT: limit(100, 900),
  LIMIT_WORK_NETWORK: limit(1000, 900),
  LIMIT_REGISTER_NETWORK: limit(500, 3600),
  LIMIT_PROOF_ACCOUNT: limit(10, 900),
  LIMIT_PASSKEY_NETWORK: limit(60, 900),
  LIMIT_PROVIDER_NETWORK: limit(300, 900),
  LIMIT_FACTOR_ACCOUNT: limit(10, 900),
  LIMIT_FACTOR_DEVICE: limit(10, 900),
  LIMIT_REFRESH_NETWORK: limit(300, 900),
  LIMIT_CLIENT_NETWORK: limit(300, 900),
  LIMIT_MAIL_ADDRESS: limit(5, 3600),
  LIMIT_MAIL_NETWORK: limit(100, 3600),
  LIMIT_PROFILE_ACCOUNT: limit(100, 900),
  LIMIT_EXPORT_ACCOUNT: limit(30, 3600),
  LIMIT_TOKEN_NETWORK: limit(30, 900),
  LIMIT_EMAIL_CODE_ACCOUNT: limit(10, 900),
  LIMIT_NOTICE_ACCOUNT: limit(5, 86_400),
  MAIL: onOff.default(true),
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be an smtp:// or smtps:// URL' }).optional(),
  MAIL_FROM: label(320)
    .regex(/@/, 'must contain an address, such as Example <no-reply@example.com>')
    .optional(),
  LOCALES: languages.default(['en', 'ko']),
  TRUSTED_PROXIES: list.pipe(z.array(cidr)).default([]),
  CORS_ORIGINS: list.pipe(z.array(origin)).default([]),
  COOKIE_PREFIX: z
    .string()
    .regex(
      /^[a-z][a-z0-9_-]{0,39}$/,
      'must have 1 to 40 characters from a-z, 0-9, - and _, starting with a letter',
    )
    .default('authograph'),
  INTROSPECTION: onOff.optional(),
  FEDERATION: onOff.default(false),
  SANDBOX: onOff.optional(),
  EXPLORER: z.enum(['sandbox', 'graphiql'], { error: 'must be sandbox or graphiql' }).default('sandbox'),
  WEBHOOK_NETWORKS: list.pipe(z.array(network)).optional(),
  BEFORE_SIGN_UP_URL: httpUrlWithPath.optional(),
  BEFORE_SIGN_UP_SECRET: z
    .string()
    .regex(
      /^(whsec_)?[A-Za-z0-9+/]{32,86}={0,2}$/,
      'must be 24 to 64 random bytes in base64 (generate one with: openssl rand -base64 32)',
    )
    .optional(),
  AUDIT_RETENTION: duration.refine(seconds => seconds >= SECONDS.d, 'must be at least 1d').optional(),
  METRICS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  TRACING: onOff.default(false),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

type Settings = z.output<typeof settings>

/** The schema of each setting, by its name. Options in code derive their types from it. */
export type SettingSchemas = typeof settings.shape

/** The names of all settings, which are environment variables. */
export const settingNames = Object.keys(settings.shape)

/** OWASP's minimum parameters for argon2id (Password Storage Cheat Sheet): memory in KiB, and passes. */
const OWASP_MINIMUMS = [
  [47_104, 1],
  [19_456, 2],
  [12_288, 3],
  [9216, 4],
  [7168, 5],
] as const

const SMTP_REQUIRED = 'is required in production, unless MAIL=off'

/** Pairs of settings that must not contradict each other. */
const contradictions: {
  of: [keyof Settings, keyof Settings]
  when: (env: Settings) => boolean
  problem: string
}[] = [
  {
    of: ['ACCESS_TOKEN_TTL', 'ACCESS_TOKEN_MAX_TTL'],
    when: env => env.ACCESS_TOKEN_TTL > env.ACCESS_TOKEN_MAX_TTL,
    problem: 'must not exceed ACCESS_TOKEN_MAX_TTL',
  },
  {
    of: ['SESSION_IDLE_TTL', 'SESSION_ABSOLUTE_TTL'],
    when: env => env.SESSION_IDLE_TTL > env.SESSION_ABSOLUTE_TTL,
    problem: 'must not exceed SESSION_ABSOLUTE_TTL',
  },
  {
    of: ['ARGON2_MEMORY_KIB', 'ARGON2_PARALLELISM'],
    when: env => env.ARGON2_MEMORY_KIB < 8 * env.ARGON2_PARALLELISM,
    problem: 'must be at least 8 times ARGON2_PARALLELISM',
  },
  {
    of: ['ARGON2_MEMORY_KIB', 'ARGON2_TIME_COST'],
    when: env =>
      env.NODE_ENV === 'production' &&
      !OWASP_MINIMUMS.some(
        ([memoryKib, passes]) => env.ARGON2_MEMORY_KIB >= memoryKib && env.ARGON2_TIME_COST >= passes,
      ),
    problem:
      'is too low for production with this ARGON2_TIME_COST: use at least 19456 with 2, or another of OWASP’s minimums',
  },
  {
    of: ['BEFORE_SIGN_UP_URL', 'BEFORE_SIGN_UP_SECRET'],
    when: env => (env.BEFORE_SIGN_UP_URL === undefined) !== (env.BEFORE_SIGN_UP_SECRET === undefined),
    problem: 'requires BEFORE_SIGN_UP_SECRET, and the other way round',
  },
  {
    of: ['EMAIL_VERIFICATION', 'MAIL'],
    when: env => !env.MAIL && (env.EMAIL_VERIFICATION ?? 'off') !== 'off',
    problem: 'requires MAIL=on',
  },
  {
    of: ['REQUIRE_BOUND_SESSIONS', 'DPOP'],
    when: env => env.REQUIRE_BOUND_SESSIONS && env.DPOP === 'off',
    problem: 'requires DPOP=refresh or DPOP=full',
  },
  {
    of: ['PASSKEYS', 'PUBLIC_URL'],
    when: env => env.PASSKEYS === true && !env.PASSKEY_RP_ID && !isDomain(publicHost(env)),
    problem:
      'requires a PUBLIC_URL with a domain name, or PASSKEY_RP_ID: passkeys can’t be bound to an address',
  },
  {
    of: ['FACTOR_RECOVERY_WAIT', 'MAIL'],
    when: env => !env.MAIL && env.FACTOR_RECOVERY_WAIT !== null,
    problem: 'requires MAIL=on',
  },
  {
    of: ['EMAIL_LOGIN', 'MAIL'],
    when: env => !env.MAIL && env.EMAIL_LOGIN,
    problem: 'requires MAIL=on',
  },
  {
    // Over http, cookies are neither Secure nor bound to the host, so the operator must choose it explicitly.
    of: ['PUBLIC_URL', 'NODE_ENV'],
    when: env => env.NODE_ENV === 'production' && !env.PUBLIC_URL,
    problem:
      'is required in production, such as https://auth.example.com; with an http:// URL, cookies are not Secure',
  },
  {
    of: ['SMTP_URL', 'MAIL'],
    when: env => env.NODE_ENV === 'production' && env.MAIL && !env.SMTP_URL,
    problem: SMTP_REQUIRED,
  },
]

function publicUrlOf(env: Settings): string {
  return env.PUBLIC_URL ?? `http://localhost:${env.PORT}`
}

function publicHost(env: Settings): string {
  return new URL(publicUrlOf(env)).hostname
}

export type Config = ReturnType<typeof toConfig>

/** The settings are invalid. `problems` has one line for each problem. */
export class ConfigError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(`The settings are invalid:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export type LoadOptions = {
  /** Whether the program sends emails itself, with `mail.send`. Production then needs no `SMTP_URL`. */
  sendsMail?: boolean
}

/**
 * Reads the configuration from an environment. An empty variable counts as unset.
 * @throws ConfigError that lists all problems
 */
export function loadConfig(environment: Environment, { sendsMail = false }: LoadOptions = {}): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()))
  const issues = settings.safeParse(given).error?.issues ?? []
  const problems = issues.map(issue => `${String(issue.path[0])}: ${issue.message}`)
  if (given.NODE_ENV === 'production' && !given.AUTHOGRAPH_SECRET) {
    problems.push('AUTHOGRAPH_SECRET: is required in production (generate one with: openssl rand -base64 32)')
  }
  // Check for contradictions only between settings that are valid on their own.
  const invalid = new Set<PropertyKey | undefined>(issues.map(issue => issue.path[0]))
  const env = settings.parse(Object.fromEntries(Object.entries(given).filter(([name]) => !invalid.has(name))))
  for (const { of, when, problem } of contradictions) {
    if (sendsMail && of[0] === 'SMTP_URL') continue
    if (!of.some(name => invalid.has(name)) && when(env)) problems.push(`${of[0]}: ${problem}`)
  }
  const read = readProviders(env.PROVIDERS, given, env.NODE_ENV === 'production')
  problems.push(...read.problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(env, read.providers)
}

/**
 * Refuses a server that would send no email although its settings ask for it: `config` may be from `loadConfig` with
 * `sendsMail`.
 * @throws ConfigError
 */
export function requireSender({ production, mail }: Config, sendsMail: boolean): void {
  if (production && mail.enabled && !mail.smtpUrl && !sendsMail)
    throw new ConfigError([`SMTP_URL: ${SMTP_REQUIRED}`])
}

function toConfig(env: Settings, providers: readonly ProviderSettings[]) {
  const production = env.NODE_ENV === 'production'
  const publicUrl = publicUrlOf(env)
  return {
    production,
    host: env.HOST,
    port: env.PORT,
    /** The number of processes that `npm start` and `npx authograph start` serve with. */
    workers: env.WORKERS,
    /** The public URL of this server. If it is https, cookies are Secure. */
    publicUrl,
    /** The name of this server in emails and pages. */
    appName: env.APP_NAME,
    web: {
      /** Whether this server serves pages to sign in and manage accounts. */
      enabled: env.WEB ?? env.NODE_ENV === 'development',
      logoUrl: env.BRAND_LOGO_URL,
      /** As #rrggbb. */
      color: env.BRAND_COLOR,
      /** The origins that the sign-in page may redirect to with `return_to`. */
      returnOrigins: env.RETURN_ORIGINS ?? [...new Set([new URL(publicUrl).origin, ...env.CORS_ORIGINS])],
    },
    /** The operator's own pages, which pages and emails link to. */
    links: { terms: env.TERMS_URL, privacy: env.PRIVACY_URL, support: env.SUPPORT_URL },
    dataDir: path.resolve(env.DATA_DIR),
    /** If absent in development, the server generates one and stores it in the data folder. */
    secret: env.AUTHOGRAPH_SECRET,
    /** Earlier secrets that keys in the database may still be sealed with. The server reseals them at start. */
    previousSecrets: env.AUTHOGRAPH_PREVIOUS_SECRETS,
    database: {
      /** If absent, the server uses its built-in PostgreSQL. */
      url: env.DATABASE_URL,
      /** What is between this server and PostgreSQL. */
      pooler: env.DATABASE_POOLER,
      poolSize: env.DATABASE_POOL_SIZE,
      /** The timeout for getting a connection, and then for the answer to a statement. */
      timeoutMs: 1500,
    },
    tokens: {
      issuer: env.TOKEN_ISSUER ?? publicUrl,
      audience: env.TOKEN_AUDIENCE,
      /** What access tokens say about the account besides its ID. */
      claims: env.TOKEN_CLAIMS,
      accessTtlSeconds: env.ACCESS_TOKEN_TTL,
      accessMaxTtlSeconds: env.ACCESS_TOKEN_MAX_TTL,
    },
    sessions: {
      idleTtlSeconds: env.SESSION_IDLE_TTL,
      absoluteTtlSeconds: env.SESSION_ABSOLUTE_TTL,
      /** The lifetime of sessions with `rememberMe: false`. */
      shortTtlSeconds: env.SESSION_SHORT_TTL,
      /** The maximum number of sessions of one account. A new session beyond it ends the oldest one. */
      max: env.SESSIONS_MAX,
    },
    /**
     * refresh: a session that starts with a proof of a key is refreshed with that key alone.
     * full: its access tokens are bound to the key too.
     */
    dpop: env.DPOP,
    /** Whether accounts with permissions need a session that is bound to a key. */
    requireBoundSessions: env.REQUIRE_BOUND_SESSIONS,
    /** The maximum number of API keys of one account. 0: this server accepts none. */
    apiKeysMax: env.API_KEYS_MAX,
    registrationOpen: env.REGISTRATION === 'open',
    /**
     * optional: `register` sends a verification email and signs the user in immediately.
     * required: users can't sign in until they verify their address, and `register` doesn't reveal who has an account.
     */
    emailVerification: env.EMAIL_VERIFICATION ?? (env.MAIL ? 'optional' : 'off'),
    /** Whether people can sign in with a code or a link in an email. */
    emailLogin: env.EMAIL_LOGIN,
    /** The providers that people can sign in with, in the order of the buttons. */
    providers,
    /** ask: an identity never joins an existing account before its owner signs in to that account. */
    providerLinking: env.PROVIDER_LINKING,
    /** The addresses of apps that a sign-in with a provider may return to, besides the pages on `web.returnOrigins`. */
    nativeReturnUrls: env.NATIVE_RETURN_URLS,
    /** How long a trusted device needs no second factor. Null if no device can be trusted. */
    trustedDeviceTtlSeconds: env.TRUSTED_DEVICE_TTL,
    /** How long the recovery of lost second factors waits, so that the owner can cancel it. Null if it is off. */
    factorRecoveryWaitSeconds: env.FACTOR_RECOVERY_WAIT,
    passwords: {
      minLength: env.PASSWORD_MIN_LENGTH,
      maxLength: env.PASSWORD_MAX_LENGTH,
      breachedFile: env.BREACHED_PASSWORDS_FILE,
    },
    passkeys: toPasskeys(env),
    /** Whether accounts can add an authenticator app. Those that have one always use it. */
    totp: env.TOTP,
    hashing: {
      memoryKib: env.ARGON2_MEMORY_KIB,
      timeCost: env.ARGON2_TIME_COST,
      parallelism: env.ARGON2_PARALLELISM,
      concurrency: env.HASH_CONCURRENCY,
      queueMax: env.HASH_QUEUE_MAX,
      waitMs: env.HASH_WAIT_MS,
    },
    /** Attempts that are free of delay; rate-limit/limit.ts explains the delays after them. */
    limits: {
      /** Sign-ins with one identifier, whether or not an account has it. */
      'login.account': env.LIMIT_LOGIN_ACCOUNT,
      /** Sign-ins from a known device while the identifier or the network is blocked. */
      'login.device': env.LIMIT_LOGIN_DEVICE,
      'login.network': env.LIMIT_LOGIN_NETWORK,
      /** Correct passwords whose attempts are refunded. */
      'work.account': env.LIMIT_WORK_ACCOUNT,
      /** The same, plus attempts from known devices while the network or an identifier is blocked. */
      'work.network': env.LIMIT_WORK_NETWORK,
      'register.network': env.LIMIT_REGISTER_NETWORK,
      /** Password checks of a signed-in account. */
      'proof.account': env.LIMIT_PROOF_ACCOUNT,
      /** Invalid passkeys. */
      'passkey.network': env.LIMIT_PASSKEY_NETWORK,
      /** Sign-ins with a provider that begin, and those that fail. */
      'provider.network': env.LIMIT_PROVIDER_NETWORK,
      /** Second factors, over all sign-ins and sessions of an account. */
      'factor.account': env.LIMIT_FACTOR_ACCOUNT,
      /** Second factors from a known device while the account is blocked. */
      'factor.device': env.LIMIT_FACTOR_DEVICE,
      /** Invalid refresh tokens. */
      'refresh.network': env.LIMIT_REFRESH_NETWORK,
      /** Failed authentications of service accounts. */
      'client.network': env.LIMIT_CLIENT_NETWORK,
      /** Emails that anyone can request to an address, whether or not it has an account. */
      'mail.address': env.LIMIT_MAIL_ADDRESS,
      'mail.network': env.LIMIT_MAIL_NETWORK,
      /** Invalid tokens from email links. */
      'token.network': env.LIMIT_TOKEN_NETWORK,
      /** Codes from emails that were tried for one address, whether or not it has an account. */
      'email-code.account': env.LIMIT_EMAIL_CODE_ACCOUNT,
      /** Profile changes by the account's owner. */
      'profile.account': env.LIMIT_PROFILE_ACCOUNT,
      /** Pages of the owner's data export. */
      'export.account': env.LIMIT_EXPORT_ACCOUNT,
    },
    mail: {
      enabled: env.MAIL,
      /** The maximum number of notices of one kind per account and time window. Others are dropped. */
      noticeLimit: env.LIMIT_NOTICE_ACCOUNT,
      /** If absent in development, the server writes emails to the data folder. */
      smtpUrl: env.SMTP_URL,
      from: env.MAIL_FROM ?? { name: env.APP_NAME, address: `no-reply@${new URL(publicUrl).hostname}` },
    },
    /** The first is the default. */
    locales: env.LOCALES as [string, ...string[]],
    /** The networks whose X-Forwarded-For header is trusted. */
    trustedProxies: env.TRUSTED_PROXIES,
    corsOrigins: env.CORS_ORIGINS,
    /** What the names of the cookies begin with, after `__Host-` with https. */
    cookiePrefix: env.COOKIE_PREFIX,
    introspection: env.INTROSPECTION ?? !production,
    /** Whether the schema is a subgraph, whose users a gateway can resolve by their IDs. */
    federation: env.FEDERATION,
    sandbox: env.SANDBOX ?? !production,
    explorer: env.EXPLORER,
    /** The bearer token for /metrics. In production, /metrics requires one. */
    metricsToken: env.METRICS_TOKEN,
    /** Whether operations, database statements and emails are traced with OpenTelemetry. */
    tracing: env.TRACING,
    /** Networks that webhooks can reach although they are private, as CIDR. */
    webhookNetworks: (env.WEBHOOK_NETWORKS ?? (production ? [] : LOOPBACK)).map(toCidr),
    /** The server that decides who can sign up, and the secret that signs what it is asked. */
    beforeSignUp:
      env.BEFORE_SIGN_UP_URL === undefined || env.BEFORE_SIGN_UP_SECRET === undefined
        ? undefined
        : { url: env.BEFORE_SIGN_UP_URL, secret: env.BEFORE_SIGN_UP_SECRET },
    /** How long audit events are kept. If absent, they are never deleted. */
    auditRetentionSeconds: env.AUDIT_RETENTION,
    logLevel: env.LOG_LEVEL,
  }
}

function toPasskeys(env: Settings) {
  const publicOrigin = new URL(publicUrlOf(env)).origin
  const rpId = env.PASSKEY_RP_ID ?? publicHost(env)
  const origins = env.PASSKEY_ORIGINS ?? env.CORS_ORIGINS.filter(listed => isWithin(rpId, listed))
  const apple = env.PASSKEY_APPLE_APPS.length > 0 ? [`https://${rpId}`] : []
  return {
    /** By default on, unless PUBLIC_URL has an IP address, which passkeys can't be bound to. */
    enabled: env.PASSKEYS ?? isDomain(rpId),
    /** The domain that passkeys are bound to. Changing it makes every passkey useless. */
    rpId,
    rpName: env.APP_NAME,
    /** The pages and apps that can use passkeys. */
    origins: [
      ...new Set([publicOrigin, ...origins, ...apple, ...env.PASSKEY_ANDROID_APPS.map(androidOrigin)]),
    ],
    /** The apps for iOS and macOS that share passkeys with the domain. */
    appleApps: env.PASSKEY_APPLE_APPS,
    androidApps: env.PASSKEY_ANDROID_APPS,
  }
}
