import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { type ProviderType, presetOf, presets } from './presets.ts'
import type { ProviderSettings } from './settings.ts'

const ID = /^[a-z][a-z0-9-]{0,31}$/
const TENANT_GROUPS = ['common', 'organizations', 'consumers']

const list = z.string().transform(text => text.split(/[\s,]+/).filter(Boolean))
const onOff = z.enum(['on', 'off'], { error: 'must be on or off' }).transform(value => value === 'on')
const tenant = z
  .string()
  .regex(
    /^(common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
    'must be a list of tenant IDs, or common, organizations or consumers',
  )
const issuer = z
  .url({ protocol: /^https?$/, error: 'must be an https URL' })
  .refine(text => !/[?#@]/.test(text), 'must not have a query, a fragment or a password')
  // The library would skip the check that the metadata is this issuer's.
  .refine(text => !text.includes('/.well-known/'), 'must be the issuer, without /.well-known/…')
const typeNames = Object.keys(presets) as [ProviderType, ...ProviderType[]]

/** The settings of a provider, whose names follow `PROVIDER_<ID>_`. */
const fields = z.object({
  TYPE: z.enum(typeNames, { error: `must be one of ${typeNames.join(', ')}` }).optional(),
  NAME: z
    .string()
    .trim()
    .max(50, 'must have at most 50 characters')
    .regex(/^\P{C}*$/u, 'must be one line')
    .optional(),
  CLIENT_ID: z.string().trim().optional(),
  CLIENT_SECRET: z.string().trim().optional(),
  ISSUER: issuer.optional(),
  SCOPES: list.optional(),
  NATIVE_CLIENT_IDS: list.default([]),
  EMAIL: z
    .enum(['authoritative', 'verified', 'never'], { error: 'must be authoritative, verified or never' })
    .optional(),
  NONCE: z.enum(['required', 'optional'], { error: 'must be required or optional' }).default('required'),
  KEEP_TOKENS: onOff.default(false),
  TENANTS: list.pipe(z.array(tenant)).default([]),
  TEAM_ID: z
    .string()
    .regex(/^[A-Z0-9]{10}$/, 'must have 10 letters and digits')
    .optional(),
  KEY_ID: z
    .string()
    .regex(/^[A-Z0-9]{10}$/, 'must have 10 letters and digits')
    .optional(),
  PRIVATE_KEY: z
    .string()
    // A .env file and many consoles hold a key on one line.
    .transform(text => text.replaceAll('\\n', '\n').trim())
    .refine(isP256PrivateKey, 'must be the contents of the .p8 file from Apple, an EC P-256 key in PEM')
    .optional(),
})

type Fields = z.output<typeof fields>

/** The schema of each setting of a provider, by its name after `PROVIDER_<ID>_`. */
export type ProviderSettingSchemas = typeof fields.shape

/** The names of a provider's settings after `PROVIDER_<ID>_`. */
export const providerSettingNames = Object.keys(fields.shape)

/** The start of the names of a provider's settings: `PROVIDER_CORP_` for `corp`. */
export function settingPrefix(id: string): string {
  return `PROVIDER_${id.toUpperCase().replaceAll('-', '_')}_`
}

/**
 * Reads the settings of the providers in `ids` from the environment. Returns one line for each problem, and the
 * providers without problems. A misspelled setting of a listed provider is a problem too.
 */
export function readProviders(
  ids: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  production: boolean,
): { providers: ProviderSettings[]; problems: string[] } {
  const bad = ids.filter((id, at) => !ID.test(id) || ids.indexOf(id) !== at)
  if (bad.length > 0) {
    const problem = `PROVIDERS: must be a list of different names of lowercase letters, digits and hyphens: ${bad.join(', ')}`
    return { providers: [], problems: [problem] }
  }
  const problems = unknownNames(ids, environment)
  const providers = ids.flatMap(id => {
    const read = readProvider(id, environment, production)
    problems.push(...read.problems)
    return read.provider && read.problems.length === 0 ? [read.provider] : []
  })
  return { providers, problems }
}

function unknownNames(ids: readonly string[], environment: Readonly<Record<string, unknown>>): string[] {
  const prefixes = ids.map(settingPrefix)
  const known = new Set(prefixes.flatMap(prefix => providerSettingNames.map(name => prefix + name)))
  return Object.keys(environment)
    .filter(name => prefixes.some(prefix => name.startsWith(prefix)) && !known.has(name))
    .map(name => `${name}: is not a setting`)
}

function readProvider(
  id: string,
  environment: Readonly<Record<string, string | undefined>>,
  production: boolean,
): { provider?: ProviderSettings; problems: string[] } {
  const prefix = settingPrefix(id)
  const given = providerSettingNames.flatMap(name => {
    const value = environment[prefix + name]
    return value?.trim() ? [[name, value] as const] : []
  })
  const parsed = fields.safeParse(Object.fromEntries(given))
  if (!parsed.success) {
    return {
      problems: parsed.error.issues.map(({ path, message }) => `${prefix}${String(path[0])}: ${message}`),
    }
  }
  const type = parsed.data.TYPE ?? (id in presets ? (id as ProviderType) : 'oidc')
  const problems = problemsOf(type, parsed.data, production).map(problem => prefix + problem)
  return { provider: toSettings(id, type, parsed.data), problems }
}

function problemsOf(type: ProviderType, given: Fields, production: boolean): string[] {
  const preset = presetOf(type)
  const problems: string[] = []
  const require = (name: keyof Fields): void => {
    if (given[name] === undefined) problems.push(`${name}: is required`)
  }
  require('CLIENT_ID')
  if (preset.issuer === undefined) require('ISSUER')
  if (preset.secret === 'required') require('CLIENT_SECRET')
  if (type === 'apple') {
    require('TEAM_ID')
    require('KEY_ID')
    require('PRIVATE_KEY')
  }
  if (preset.secret === 'none' && given.CLIENT_SECRET !== undefined) {
    problems.push('CLIENT_SECRET: is not used; the server creates one from PRIVATE_KEY')
  }
  if (given.ISSUER !== undefined && !isSafeUrl(given.ISSUER, production)) {
    problems.push('ISSUER: must be an https URL; http is only for this machine, and not in production')
  }
  if (given.SCOPES && preset.scopes.includes('openid') && !given.SCOPES.includes('openid')) {
    problems.push('SCOPES: must include openid')
  }
  if (type !== 'microsoft' && given.TENANTS.length > 0) problems.push('TENANTS: is only for Microsoft')
  if (given.TENANTS.length > 1 && given.TENANTS.some(name => TENANT_GROUPS.includes(name))) {
    problems.push('TENANTS: common, organizations and consumers stand alone')
  }
  return problems
}

function toSettings(id: string, type: ProviderType, given: Fields): ProviderSettings {
  const preset = presetOf(type)
  return {
    id,
    type,
    name: given.NAME ?? (preset.name || `${id.slice(0, 1).toUpperCase()}${id.slice(1)}`),
    clientId: given.CLIENT_ID ?? '',
    clientSecret: given.CLIENT_SECRET,
    issuer: given.ISSUER ?? preset.issuer ?? '',
    scopes: given.SCOPES ?? preset.scopes,
    nativeClientIds: given.NATIVE_CLIENT_IDS,
    email: given.EMAIL,
    nonce: given.NONCE,
    keepTokens: given.KEEP_TOKENS || type === 'apple',
    tenants: given.TENANTS.length > 0 || type !== 'microsoft' ? given.TENANTS : ['common'],
    teamId: given.TEAM_ID,
    keyId: given.KEY_ID,
    privateKey: given.PRIVATE_KEY,
  }
}

/** Whether requests to this URL are protected: https, or http to this machine outside production. */
export function isSafeUrl(text: string, production: boolean): boolean {
  return URL.canParse(text) && isSafe(new URL(text), production)
}

/** As `isSafeUrl`. */
export function isSafe({ protocol, hostname }: URL, production: boolean): boolean {
  if (protocol === 'https:') return true
  return protocol === 'http:' && !production && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

function isP256PrivateKey(pem: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem)
    return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}
