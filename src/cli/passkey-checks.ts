import { hasUsableFactor } from '../credentials/has-factor.ts'
import { isSecureOrigin, isWithin } from '../relying-party.ts'
import { hasWayIn, offeredWays } from '../ways-in.ts'
import { type CheckContext, type DatabaseContext, type Finding, fail, ok, warn } from './finding.ts'

/** Whether browsers will let the configured pages use passkeys of the configured domain. */
export async function checkPasskeyDomain({ config }: CheckContext): Promise<Finding[]> {
  const { enabled, rpId, origins } = config.passkeys
  if (!enabled) return [ok('Passkeys are off.')]
  const pages = origins.filter(origin => origin.startsWith('http'))
  const findings: Finding[] = []
  const insecure = pages.filter(origin => !isSecureOrigin(origin))
  if (insecure.length > 0) {
    const advice = 'Serve the pages over https.'
    const message = `Browsers offer passkeys only over https, so not on ${insecure.join(', ')}.`
    findings.push(config.production ? fail(message, advice) : warn(message, advice))
  }
  const own = pages.filter(origin => isWithin(rpId, origin))
  if (own.length === 0) {
    findings.push(
      warn(
        `No page is on ${rpId}, the domain of passkeys.`,
        'Set PASSKEY_RP_ID to the domain of your pages, or list their origins in PASSKEY_ORIGINS.',
      ),
    )
  }
  const related = pages.filter(origin => !isWithin(rpId, origin))
  const servesDomain = new URL(config.publicUrl).hostname === rpId
  if (related.length > 0 && !servesDomain) {
    findings.push(
      warn(
        `Before ${related.join(', ')} can use passkeys of ${rpId}, browsers read https://${rpId}/.well-known/webauthn.`,
        `Forward that address to ${config.publicUrl}/.well-known/webauthn.`,
      ),
    )
  }
  return findings.length > 0 ? findings : [ok(`Bound to ${rpId}, for ${pages.join(', ')}.`)]
}

/** Whether the stored passkeys can be used, and who depends on those that can't. */
export async function checkStoredPasskeys({ pool, config }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ domain: string; count: number }>(
    'SELECT rp_id AS domain, count(*)::int FROM passkeys GROUP BY rp_id ORDER BY rp_id',
  )
  const { enabled, rpId } = config.passkeys
  const count = rows.find(({ domain }) => domain === rpId)?.count ?? 0
  const lost = rows.filter(({ domain }) => domain !== rpId).map(each => otherDomain(each, rpId))
  const ofThisDomain = `${count} ${count === 1 ? 'passkey' : 'passkeys'} of ${rpId}`
  const off = enabled ? `${ofThisDomain}.` : `${ofThisDomain}, which can’t be used: PASSKEYS is off.`
  return [...(lost.length > 0 ? lost : [ok(off)]), ...(await checkDependents({ pool, config }))]
}

function otherDomain({ domain, count }: { domain: string; count: number }, rpId: string): Finding {
  return fail(
    `${count} ${count === 1 ? 'passkey is' : 'passkeys are'} bound to ${domain} and can’t be used: PASSKEY_RP_ID is ${rpId}.`,
    `Set PASSKEY_RP_ID=${domain}, or ask their owners to sign in another way and add a passkey again.`,
  )
}

const DEPENDENTS = `
  SELECT (count(*) FILTER (WHERE NOT ${hasWayIn(1)}))::int AS "lockedOut",
    (count(*) FILTER (WHERE NOT ${hasUsableFactor('$1')}))::int AS "withoutFactor"
  FROM users u WHERE u.disabled_at IS NULL
    AND EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id AND p.rp_id IS DISTINCT FROM $1::text)`

/** The people for whom unusable passkeys were the only way to sign in, or the only second factor. */
async function checkDependents({
  pool,
  config,
}: Pick<DatabaseContext, 'pool' | 'config'>): Promise<Finding[]> {
  const { rows } = await pool.query<{ lockedOut: number; withoutFactor: number }>(
    DEPENDENTS,
    offeredWays({ config }),
  )
  const { lockedOut = 0, withoutFactor = 0 } = rows[0] ?? {}
  const findings: Finding[] = []
  if (lockedOut > 0)
    findings.push(
      fail(
        `${people(lockedOut)} only passkeys that can’t be used here, and no other way to sign in.`,
        'Make passkeys work again (PASSKEYS, PASSKEY_RP_ID), set EMAIL_LOGIN=on, or ask them to set a password with “Forgot password”.',
      ),
    )
  if (withoutFactor > 0)
    findings.push(
      warn(
        `${people(withoutFactor)} no second factor that can be used here, only passkeys or security keys that can’t.`,
        'Their password or mailbox alone signs in. If their account requires a second factor, they must add one at the next sign-in, with a code that is emailed to them.',
      ),
    )
  return findings
}

function people(count: number): string {
  return `${count} ${count === 1 ? 'person has' : 'people have'}`
}
