import { isSecureOrigin, isWithin } from '../relying-party.ts'
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

/** Whether the stored passkeys are bound to the configured domain. */
export async function checkStoredPasskeys({ pool, config }: DatabaseContext): Promise<Finding[]> {
  const { rows } = await pool.query<{ domain: string; count: number }>(
    'SELECT rp_id AS domain, count(*)::int FROM passkeys GROUP BY rp_id ORDER BY rp_id',
  )
  const { rpId } = config.passkeys
  const lost = rows.filter(({ domain }) => domain !== rpId)
  const count = rows.find(({ domain }) => domain === rpId)?.count ?? 0
  if (lost.length === 0) return [ok(`${count} ${count === 1 ? 'passkey' : 'passkeys'} of ${rpId}.`)]
  return lost.map(({ domain, count }) =>
    fail(
      `${count} ${count === 1 ? 'passkey is' : 'passkeys are'} bound to ${domain} and can’t be used: PASSKEY_RP_ID is ${rpId}.`,
      `Set PASSKEY_RP_ID=${domain}, or ask their owners to sign in another way and add a passkey again.`,
    ),
  )
}
