import { boundedFetch } from '../credentials/provider/bounded-fetch.ts'
import { discover } from '../credentials/provider/discovery.ts'
import { FetchFailure, failureOf } from '../credentials/provider/failure.ts'
import { callbackPath, type ProviderSettings } from '../credentials/provider/provider.ts'
import { AuthError } from '../errors.ts'
import { type CheckContext, type DatabaseContext, type Finding, fail, ok, warn } from './finding.ts'

/** Whether each provider answers, and is the one that the settings name. */
export async function checkProviders(context: CheckContext): Promise<Finding[]> {
  const { providers } = context.config
  if (providers.length === 0) return [ok('People sign in without other providers.')]
  return Promise.all(providers.map(provider => checkProvider(context, provider)))
}

async function checkProvider({ config, now }: CheckContext, provider: ProviderSettings): Promise<Finding> {
  try {
    const client = await discover({ config, clock: { now } }, provider)
    await client.keys?.reload()
    await reach(client.metadata.authorization_endpoint ?? '', config.production)
  } catch (error) {
    return problem(provider, error)
  }
  return ok(`${provider.id} answers. Its redirect address is ${config.publicUrl}${callbackPath(provider)}.`)
}

/** Any answer proves that the provider is there: the page needs parameters, and can be large. */
async function reach(url: string, production: boolean): Promise<void> {
  try {
    await boundedFetch(production)(url)
  } catch (error) {
    const answered = error instanceof FetchFailure && ['redirect', 'response too large'].includes(error.check)
    if (!answered) throw error
  }
}

function problem({ id, issuer }: ProviderSettings, error: unknown): Finding {
  const check = error instanceof AuthError ? failureOf(error)?.check : (error as Partial<FetchFailure>).check
  if (check === 'discovery') {
    return fail(
      `${id}: ${issuer} does not describe itself as the settings expect.`,
      'Compare the issuer in the settings with `issuer` at its /.well-known/openid-configuration.',
    )
  }
  return warn(
    `${id}: ${issuer} can’t be reached (${check ?? 'unreachable'}). Other ways to sign in still work.`,
    'Check whether this machine can connect to it.',
  )
}

const LATE_SECONDS = 3600

/** Whether tokens of identities that have left still wait for their provider. */
export async function checkRevocations({ pool, now }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ provider: string; count: number; reason: string | null }>(
    `SELECT provider, count(*)::int, max(last_error) AS reason FROM provider_revocations
     WHERE created_at < $1 AND expires_at > $2 GROUP BY provider ORDER BY provider`,
    [new Date(now().getTime() - LATE_SECONDS * 1000), now()],
  )
  if (rows.length === 0) return [ok('No token waits to be revoked.')]
  return rows.map(({ provider, count, reason }) =>
    warn(
      `${count} tokens of ${provider} could not be revoked for more than an hour: ${reason ?? 'not tried yet'}.`,
      'The server keeps trying for 30 days. Check the client’s ID and secret, and whether this machine can connect.',
    ),
  )
}
