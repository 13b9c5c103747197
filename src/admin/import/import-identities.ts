import { z } from 'zod'
import { baseOf } from '../../credentials/provider/dialect.ts'
import { dialectOf } from '../../credentials/provider/dialects/dialects.ts'
import type { ProviderType } from '../../provider-settings/presets.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import { fromText, importedNameField } from './foreign-text.ts'
import { instantField } from './times.ts'

/** An identity as the file names it. */
export type ForeignIdentity = {
  /** The name that the other system has for the provider. */
  provider: string
  issuer: string | undefined
  /** The issuer of a token that the other system kept. Nothing is verified: the file is the operator's. */
  tokenIssuer: string | undefined
  subject: string
  email: string | null
  displayName: string | null
  createdAt: Date | null
  lastUsedAt: Date | null
}

const IDENTITIES_MAX = 50
/** OpenID Connect Core, section 2, has 255 ASCII characters. */
const SUBJECT_MAX = 255
const NAME_MAX = 100
const ISSUER_MAX = 500
const EMAIL_MAX = 320

/** Ways to sign in that other systems list beside providers. */
const LOCAL = new Set([
  'email',
  'phone',
  'password',
  'credential',
  'credentials',
  'anonymous',
  'siwe',
  'passkey',
])

const NEEDS = 'An identity needs a provider and a subject: text without line breaks.'

/** GitHub, Kakao and others number their accounts. */
const textField = (max: number) =>
  z
    .union([z.string(), z.int().transform(String)], { error: NEEDS })
    .transform(text => text.trim())
    .pipe(
      z
        .string()
        .min(1)
        .max(max)
        .regex(/^\P{C}*$/u),
    )

const identityObject = z.object({
  provider: textField(NAME_MAX),
  issuer: textField(ISSUER_MAX).optional(),
  tokenIssuer: textField(ISSUER_MAX).optional().catch(undefined),
  subject: textField(SUBJECT_MAX),
  email: textField(EMAIL_MAX).nullable().catch(null),
  displayName: importedNameField.nullable().catch(null),
  createdAt: instantField.optional(),
  lastUsedAt: instantField.optional(),
})

/** The identities of an account at providers, without what stands for a password or an address of the other system. */
export const identitiesField = z
  .unknown()
  .transform(fromText)
  .pipe(
    z
      .array(
        z
          .unknown()
          .transform(withOurNames)
          .pipe(z.looseObject({ provider: z.unknown() })),
        {
          error: 'Enter a list of identities.',
        },
      )
      .max(IDENTITIES_MAX, `At most ${IDENTITIES_MAX} identities.`)
      .transform(list => list.filter(({ provider }) => !LOCAL.has(String(provider)))),
  )
  .pipe(z.array(identityObject))
  .transform(list => list.map(toForeignIdentity))

function toForeignIdentity(given: z.output<typeof identityObject>): ForeignIdentity {
  const { issuer, tokenIssuer, createdAt = null, lastUsedAt = null } = given
  return { ...given, issuer, tokenIssuer, createdAt, lastUsedAt }
}

type Given = Record<string, unknown>

/**
 * The rows of other systems, with our names. Auth.js has `provider` and `providerAccountId`, better-auth `providerId` and
 * `accountId`, Firebase `providerId` and `rawId`, and Supabase `provider` and `provider_id`.
 */
function withOurNames(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return {}
  const given = value as Given
  const first = (...names: string[]) => names.map(name => given[name]).find(found => found != null)
  const data = (fromText(given.identity_data) ?? {}) as Given
  const account = first('account_id', 'accountId')
  const provider = first('provider', 'providerId') ?? (account === undefined ? undefined : given.provider_id)
  return {
    provider,
    issuer: first('issuer'),
    tokenIssuer: issuerOf(first('idToken', 'id_token')) ?? data.iss,
    subject:
      first('subject', 'providerAccountId', 'provider_account_id', 'rawId') ??
      account ??
      given.provider_id ??
      data.sub,
    email: first('email') ?? data.email ?? null,
    displayName: first('displayName', 'display_name', 'name') ?? data.full_name ?? data.name ?? null,
    createdAt: first('createdAt', 'created_at'),
    lastUsedAt: first('lastUsedAt', 'last_used_at', 'last_sign_in_at'),
  }
}

function issuerOf(idToken: unknown): unknown {
  if (typeof idToken !== 'string') return undefined
  const payload = fromText(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
  return typeof payload === 'object' && payload !== null ? (payload as Given).iss : undefined
}

/** An identity of a provider in the settings. */
export type ImportedIdentity = Omit<ForeignIdentity, 'issuer' | 'tokenIssuer'> & { issuer: string }

export type ProviderNames = {
  providers: readonly ProviderSettings[]
  /** The names in the file, and the providers that they stand for; null for those that are left out. */
  renamed: ReadonlyMap<string, string | null>
}

/** The names that other systems have for a type of provider. */
const TYPES: Record<string, ProviderType> = {
  'google.com': 'google',
  'apple.com': 'apple',
  'facebook.com': 'facebook',
  'github.com': 'github',
  'microsoft.com': 'microsoft',
  azure: 'microsoft',
  'azure-ad': 'microsoft',
  'microsoft-entra-id': 'microsoft',
}

/** The identities of a record at the providers in the settings, or the reason why the record can't be imported. */
export function toIdentities(
  foreign: readonly ForeignIdentity[],
  names: ProviderNames,
): ImportedIdentity[] | { reason: string } {
  const identities: ImportedIdentity[] = []
  for (const { issuer: given, tokenIssuer, ...identity } of foreign) {
    const name = names.renamed.get(identity.provider)
    if (name === null) continue
    const provider = providerOf(name ?? identity.provider, names.providers)
    if (!provider) return { reason: unknownProvider(identity.provider) }
    const issuer = issuerAt(provider, given, tokenIssuer)
    if (!issuer) return { reason: unknownIssuer(provider) }
    identities.push({ ...identity, provider: provider.id, issuer })
  }
  return identities
}

function providerOf(name: string, providers: readonly ProviderSettings[]): ProviderSettings | undefined {
  const exact = providers.find(({ id }) => id === name)
  if (exact) return exact
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
  const ofType = providers.filter(provider => provider.type === type)
  return ofType.length === 1 ? ofType[0] : undefined
}

const TENANT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The issuer under which the server will see the identity. Undefined if the record doesn't tell. */
function issuerAt(
  provider: ProviderSettings,
  given: string | undefined,
  tokenIssuer: string | undefined,
): string | undefined {
  const { type, tenants } = provider
  const isDiscovered = dialectOf(provider).proof === 'claims' && type !== 'microsoft'
  const issuer = isDiscovered ? provider.issuer : baseOf(provider)
  if (type !== 'microsoft') return given === undefined || given === issuer ? issuer : undefined
  // Each tenant is an issuer.
  const [only] = tenants.length === 1 ? tenants : []
  const named = given ?? tokenIssuer ?? `${issuer}/${only}/v2.0`
  const tenant =
    named.startsWith(`${issuer}/`) && named.endsWith('/v2.0') && named.slice(issuer.length + 1, -5)
  return tenant && TENANT.test(tenant) ? named : undefined
}

function unknownProvider(name: string): string {
  const shown = JSON.stringify(name.slice(0, 50))
  return `identities: PROVIDERS has no provider ${shown}. Add it, name it with --provider ${shown}=NAME, or leave it out with --without-provider ${shown}.`
}

function unknownIssuer({ id, type, issuer }: ProviderSettings): string {
  return type === 'microsoft'
    ? `identities: The issuer of a Microsoft identity is missing or wrong: ${issuer}/<tenant ID>/v2.0.`
    : `identities: The issuer differs from that of ${id}, ${issuer}.`
}
