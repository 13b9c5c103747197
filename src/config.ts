import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parse as parseDotenv } from 'dotenv'
import { z } from 'zod'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds, given as a number or as `30s`, `10m`, `24h`, `90d`. */
const duration = z
  .string()
  .regex(/^\d+[smhd]?$/, 'write it as seconds or as 30s, 10m, 24h or 90d')
  .transform(text => {
    const unit = text.at(-1) as keyof typeof SECONDS
    return unit in SECONDS ? Number(text.slice(0, -1)) * SECONDS[unit] : Number(text)
  })
  .refine(seconds => seconds > 0, 'must be more than 0')

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
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .transform(trimSlash)
const origin = z.url({
  protocol: /^https?$/,
  error: 'must be a list of origins such as https://app.example.com',
})

function trimSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

const settings = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  HOST: z.string().default('localhost'),
  PORT: integer(0, 65_535).default(4000),
  PUBLIC_URL: httpUrl.optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// address' }).optional(),
  DATABASE_POOL_SIZE: integer(1, 1000).default(10),
  DATA_DIR: z.string().default('data'),
  AUTHOGRAPH_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  TOKEN_ISSUER: httpUrl.optional(),
  TOKEN_AUDIENCE: z.string().default('authograph'),
  ACCESS_TOKEN_TTL: duration.default(600),
  ACCESS_TOKEN_MAX_TTL: duration.default(86_400),
  SESSION_IDLE_TTL: duration.default(30 * 86_400),
  SESSION_ABSOLUTE_TTL: duration.default(90 * 86_400),
  SESSION_SHORT_TTL: duration.default(86_400),
  REGISTRATION: z.enum(['open', 'closed'], { error: 'must be open or closed' }).default('open'),
  PASSWORD_MIN_LENGTH: integer(8, 64).default(8),
  PASSWORD_MAX_LENGTH: integer(64, 1024).default(128),
  BREACHED_PASSWORDS_FILE: z.string().optional(),
  ARGON2_MEMORY_KIB: integer(8, 4_194_304).default(19_456),
  ARGON2_TIME_COST: integer(1, 1000).default(2),
  ARGON2_PARALLELISM: integer(1, 64).default(1),
  HASH_CONCURRENCY: integer(1, 128).default(availableParallelism()),
  HASH_QUEUE_MAX: integer(1, 100_000).default(1000),
  LOCALES: list.default(['en', 'ko']),
  CORS_ORIGINS: list.pipe(z.array(origin.transform(trimSlash))).default([]),
  INTROSPECTION: onOff.optional(),
  SANDBOX: onOff.optional(),
  METRICS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

export type Config = ReturnType<typeof toConfig>

/** The environment is wrong; `problems` says all that is, a line each. */
export class ConfigError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(`The settings are wrong:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The process's environment over what a `.env` file in the working folder says. */
export function readEnvironment(): Record<string, string | undefined> {
  let file: Record<string, string> = {}
  try {
    file = parseDotenv(readFileSync('.env'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { ...file, ...process.env }
}

/**
 * The configuration that an environment asks for. An empty variable counts as absent.
 * @throws ConfigError listing every problem at once.
 */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()))
  const parsed = settings.safeParse(given)
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(issue => `${String(issue.path[0])}: ${issue.message}`)
  if (given.NODE_ENV === 'production' && !given.AUTHOGRAPH_SECRET) {
    problems.push('AUTHOGRAPH_SECRET: must be set in production (make one with: openssl rand -base64 32)')
  }
  if (parsed.success) problems.push(...contradictions(parsed.data))
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  return toConfig(parsed.data)
}

function contradictions(env: z.output<typeof settings>): string[] {
  const problems: string[] = []
  if (env.ACCESS_TOKEN_TTL > env.ACCESS_TOKEN_MAX_TTL) {
    problems.push('ACCESS_TOKEN_TTL: must not exceed ACCESS_TOKEN_MAX_TTL')
  }
  if (env.SESSION_IDLE_TTL > env.SESSION_ABSOLUTE_TTL) {
    problems.push('SESSION_IDLE_TTL: must not exceed SESSION_ABSOLUTE_TTL')
  }
  if (env.ARGON2_MEMORY_KIB < 8 * env.ARGON2_PARALLELISM) {
    problems.push('ARGON2_MEMORY_KIB: must be at least 8 times ARGON2_PARALLELISM')
  }
  if (env.LOCALES.length === 0) problems.push('LOCALES: must name at least one language')
  return problems
}

function toConfig(env: z.output<typeof settings>) {
  const production = env.NODE_ENV === 'production'
  const publicUrl = env.PUBLIC_URL ?? `http://localhost:${env.PORT}`
  return {
    production,
    host: env.HOST,
    port: env.PORT,
    /** What the outside calls this server; cookies are Secure where it is https. */
    publicUrl,
    dataDir: path.resolve(env.DATA_DIR),
    /** Absent in development: one is made and kept in the data folder. */
    secret: env.AUTHOGRAPH_SECRET,
    database: {
      /** Absent: the built-in PostgreSQL. */
      url: env.DATABASE_URL,
      poolSize: env.DATABASE_POOL_SIZE,
    },
    tokens: {
      issuer: env.TOKEN_ISSUER ?? publicUrl,
      audience: env.TOKEN_AUDIENCE,
      accessTtlSeconds: env.ACCESS_TOKEN_TTL,
      accessMaxTtlSeconds: env.ACCESS_TOKEN_MAX_TTL,
    },
    sessions: {
      idleTtlSeconds: env.SESSION_IDLE_TTL,
      absoluteTtlSeconds: env.SESSION_ABSOLUTE_TTL,
      /** Of a session that is not to be remembered. */
      shortTtlSeconds: env.SESSION_SHORT_TTL,
    },
    registrationOpen: env.REGISTRATION === 'open',
    passwords: {
      minLength: env.PASSWORD_MIN_LENGTH,
      maxLength: env.PASSWORD_MAX_LENGTH,
      breachedFile: env.BREACHED_PASSWORDS_FILE,
    },
    hashing: {
      memoryKib: env.ARGON2_MEMORY_KIB,
      timeCost: env.ARGON2_TIME_COST,
      parallelism: env.ARGON2_PARALLELISM,
      concurrency: env.HASH_CONCURRENCY,
      queueMax: env.HASH_QUEUE_MAX,
    },
    /** The first is the default. */
    locales: env.LOCALES as [string, ...string[]],
    corsOrigins: env.CORS_ORIGINS,
    introspection: env.INTROSPECTION ?? !production,
    sandbox: env.SANDBOX ?? !production,
    /** In production /metrics answers only to this bearer token, and not at all without one. */
    metricsToken: env.METRICS_TOKEN,
    logLevel: env.LOG_LEVEL,
  }
}
