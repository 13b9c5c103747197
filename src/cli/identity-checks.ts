import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

/** Whether everyone can still sign in with the providers that they have connected. */
export async function checkIdentities({ pool, config }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ provider: string; people: number }>(
    `SELECT provider, count(DISTINCT user_id)::int AS people FROM identities
     WHERE provider <> ALL ($1::text[]) GROUP BY provider ORDER BY provider`,
    [config.providers.map(({ id }) => id)],
  )
  if (rows.length === 0) return [ok('Every connected provider is in PROVIDERS.')]
  return rows.map(({ provider, people }) =>
    warn(
      `${people} ${people === 1 ? 'person has' : 'people have'} connected ${provider}, which PROVIDERS doesn’t list.`,
      'They can’t sign in with it. If you renamed a provider, use its earlier name.',
    ),
  )
}
