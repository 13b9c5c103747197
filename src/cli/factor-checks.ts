import { hasUsableFactor } from '../credentials/has-factor.ts'
import { usableDomain } from '../ways-in.ts'
import { type DatabaseContext, type Finding, ok, warn } from './finding.ts'

/** Whether everyone with a role that requires a second factor has one. */
export async function checkRequiredFactors({ pool, config }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ role: string; since: Date; people: number; without: number }>(
    `SELECT r.name AS role, r.second_factor_required_from AS since, count(u.id)::int AS people,
       (count(*) FILTER (WHERE u.id IS NOT NULL AND NOT ${hasUsableFactor('$1')}))::int AS without
     FROM roles r LEFT JOIN user_roles ur ON ur.role_name = r.name
     LEFT JOIN users u ON u.id = ur.user_id AND u.disabled_at IS NULL
     WHERE r.second_factor_required_from IS NOT NULL GROUP BY r.name ORDER BY r.name`,
    [usableDomain({ config })],
  )
  if (rows.length === 0) return [ok('No role requires one.')]
  return rows.map(({ role, since, people, without }) => {
    const rule = `The role ${role} requires a second factor from ${since.toISOString()} on.`
    if (without === 0) return ok(`${rule} Everyone with the role has one.`)
    return warn(
      `${rule} ${without} of ${people} ${people === 1 ? 'person has' : 'people have'} none.`,
      'They must add one at their next sign-in. The query users lists them: filter by the role and hasSecondFactor: false.',
    )
  })
}
