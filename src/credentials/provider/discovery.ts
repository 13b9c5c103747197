import type { RemoteJWKSet } from 'jose'
import type { Configuration, ServerMetadata } from 'openid-client'
import type { App } from '../../app.ts'
import { AuthError } from '../../errors.ts'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import { type BoundedFetch, boundedFetch, FETCH_TIMEOUT_MS } from './bounded-fetch.ts'
import { clientAuth } from './client-auth.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialects/dialects.ts'
import { failureOf, isUnreachable, providerFailed, toProviderError } from './failure.ts'
import { jose, type OpenidClient, openidClient } from './library.ts'

/** How this process talks to a provider. */
export type ProviderClient = {
  readonly openid: OpenidClient
  readonly configuration: Configuration
  /**
   * For grants of a code, where `requireSignature` replaces the library's own check of the ID token's signature.
   */
  readonly codeGrants: Configuration
  readonly metadata: ServerMetadata
  /** The algorithms that a token of the provider may be signed with. Never symmetric, never `none`. */
  readonly algorithms: readonly string[]
  /** The provider's keys. Undefined if it has no ID tokens. */
  readonly keys: RemoteJWKSet | undefined
}

/** What this process knows about a provider. */
export type Discovered = {
  client: ProviderClient | undefined
  /** When the provider was last asked, in milliseconds of the app's clock. */
  askedAtMs: number
  pending: Promise<ProviderClient> | undefined
  failure: AuthError | undefined
}

/** Metadata that is older is read again, while the old one stays in use. */
const FRESH_MS = 3_600_000
/** A provider that failed is not asked again sooner, however many people try. */
const RETRY_MS = 5000

const ASYMMETRIC = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/**
 * The client for a provider. The first use discovers its metadata; concurrent uses share that request. While the
 * provider is down, the known metadata stays in use.
 * @throws AuthError PROVIDER_FAILED while nothing is known of the provider and it cannot be reached
 */
export async function clientOf(app: App, provider: ProviderSettings): Promise<ProviderClient> {
  const nowMs = app.clock.now().getTime()
  const known = app.discovered.get(keyOf(provider))
  if (known) {
    const ageMs = Math.abs(nowMs - known.askedAtMs)
    if (!known.pending && ageMs >= (known.failure ? RETRY_MS : FRESH_MS))
      void ask(app, provider, known, nowMs)
    if (known.client) return known.client
    if (known.pending) return known.pending
    if (known.failure) throw known.failure
  }
  const entry: Discovered = { client: undefined, askedAtMs: nowMs, pending: undefined, failure: undefined }
  app.discovered.set(keyOf(provider), entry)
  return ask(app, provider, entry, nowMs)
}

/** An app of NATIVE_CLIENT_IDS is a client of its own. */
function keyOf({ id, clientId }: ProviderSettings): string {
  return `${id} ${clientId}`
}

function ask(
  app: App,
  provider: ProviderSettings,
  entry: Discovered,
  nowMs: number,
): Promise<ProviderClient> {
  entry.askedAtMs = nowMs
  const pending = discover(app, provider).then(
    client => {
      Object.assign(entry, { client, pending: undefined, failure: undefined })
      return client
    },
    (error: unknown) => {
      const failure = toProviderError(provider.id, error)
      Object.assign(entry, { pending: undefined, failure })
      throw failure
    },
  )
  entry.pending = pending
  // Requests that have the old metadata do not wait for this.
  pending.catch((error: AuthError) =>
    app.log.warn({ err: error.cause }, `the provider ${provider.id} could not be reached`),
  )
  return pending
}

/** Asks the provider for its metadata now, past what is known. @throws AuthError PROVIDER_FAILED */
export async function discover(
  { config, clock }: Pick<App, 'config' | 'clock'>,
  provider: ProviderSettings,
): Promise<ProviderClient> {
  const openid = await openidClient()
  const dialect = dialectOf(provider)
  const fetchBounded = boundedFetch(config.production)
  const insecure = !config.production && provider.issuer.startsWith('http:')
  const setUp = (configuration: Configuration): Configuration => {
    configuration[openid.customFetch] = fetchBounded
    // No timer of the library's own: `boundedFetch` has one.
    configuration.timeout = 0
    if (insecure) openid.allowInsecureRequests(configuration)
    return configuration
  }
  const found = dialect.metadata
    ? undefined
    : await find(openid, provider, dialect, { fetchBounded, insecure, now: () => clock.now() })
  const metadata =
    found?.serverMetadata() ?? (dialect.metadata as (p: ProviderSettings) => ServerMetadata)(provider)
  const algorithms = algorithmsOf(dialect, metadata)
  const auth = clientAuth(openid, provider, metadata, () => clock.now())
  const configure = () =>
    new openid.Configuration(
      { ...plain(metadata), id_token_signing_alg_values_supported: [...algorithms] },
      provider.clientId,
      dialect.algorithm === undefined ? undefined : { id_token_signed_response_alg: dialect.algorithm },
      auth,
    )
  const configuration = setUp(found && dialect.algorithm ? found : configure())
  openid.enableNonRepudiationChecks(configuration)
  return {
    openid,
    configuration,
    // The library knows by its own discovery that each tenant is an issuer.
    codeGrants: dialect.issuerOf ? configuration : setUp(configure()),
    metadata,
    algorithms,
    keys: metadata.jwks_uri === undefined ? undefined : await keySet(metadata.jwks_uri, fetchBounded),
  }
}

type Finding = { fetchBounded: BoundedFetch; insecure: boolean; now: () => Date }

async function find(
  openid: OpenidClient,
  provider: ProviderSettings,
  dialect: Dialect,
  { fetchBounded, insecure, now }: Finding,
): Promise<Configuration> {
  const server = new URL(dialect.discoverAt?.(provider) ?? provider.issuer)
  try {
    return await openid.discovery(
      server,
      provider.clientId,
      { ...(dialect.algorithm && { id_token_signed_response_alg: dialect.algorithm }) },
      // Only a dialect with a pinned algorithm keeps this configuration. All of those take the secret in the body.
      clientAuth(openid, provider, undefined, now),
      {
        [openid.customFetch]: fetchBounded,
        timeout: FETCH_TIMEOUT_MS / 1000,
        execute: insecure ? [openid.allowInsecureRequests] : [],
      },
    )
  } catch (error) {
    const failed = toProviderError(provider.id, error)
    throw isUnreachable(failed) ? failed : providerFailed(provider.id, 'discovery', failureOf(failed)?.code)
  }
}

/** The metadata without the methods that the library adds to it. */
function plain(metadata: ServerMetadata): ServerMetadata {
  return structuredClone({ ...metadata, supportsPKCE: undefined })
}

function algorithmsOf(dialect: Dialect, metadata: ServerMetadata): readonly string[] {
  if (dialect.algorithm) return [dialect.algorithm]
  // Without an announcement, RS256 is the default (OpenID Connect Core, section 3.1.3.7).
  const announced = metadata.id_token_signing_alg_values_supported ?? ['RS256']
  return announced.filter(algorithm => ASYMMETRIC.includes(algorithm))
}

async function keySet(url: string, fetchBounded: BoundedFetch): Promise<RemoteJWKSet> {
  const { createRemoteJWKSet, customFetch } = await jose()
  return createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_TIMEOUT_MS, [customFetch]: fetchBounded })
}
