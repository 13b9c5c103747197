import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'

const MAX_AGE_SECONDS = 300
/** The page where people manage their password and passkeys. */
const SECURITY_PAGE = '/account/security'

/**
 * Serves what browsers, phones and password managers look up at the domain of passkeys:
 * - `webauthn`: the origins that can use its passkeys (WebAuthn Level 3, section 5.11),
 * - `passkey-endpoints`: where people create and manage passkeys (W3C, Relying Party Passkey Endpoints),
 * - `change-password`: where people change the password (W3C, A Well-Known URL for Changing Passwords),
 * - `apple-app-site-association` and `assetlinks.json`: the apps that share passkeys with the domain.
 */
export function wellKnownRoutes(server: FastifyInstance, { publicUrl, web, passkeys }: Config): void {
  const serve = (name: string, content: unknown) => {
    const body = JSON.stringify(content)
    server.get(`/.well-known/${name}`, (_request, reply) =>
      reply
        .header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
        .header('access-control-allow-origin', '*')
        .type('application/json')
        .send(body),
    )
  }
  const page = publicUrl + SECURITY_PAGE
  if (web.enabled) server.get('/.well-known/change-password', (_request, reply) => reply.redirect(page))
  if (!passkeys.enabled) return
  serve('webauthn', { origins: passkeys.origins.filter(origin => origin.startsWith('http')) })
  serve('passkey-endpoints', web.enabled ? { enroll: page, manage: page } : {})
  if (passkeys.appleApps.length > 0) {
    serve('apple-app-site-association', { webcredentials: { apps: passkeys.appleApps } })
  }
  if (passkeys.androidApps.length > 0) serve('assetlinks.json', passkeys.androidApps.map(toAssetLink))
}

/** A statement of Digital Asset Links, as Android's Credential Manager requires it. */
function toAssetLink({ packageName, fingerprint }: Config['passkeys']['androidApps'][number]) {
  return {
    relation: ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds'],
    target: {
      namespace: 'android_app',
      package_name: packageName,
      sha256_cert_fingerprints: [fingerprint],
    },
  }
}
