import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { DatabaseUrl, SslMode } from '../database-url.ts'

/** How to try to connect, in order: with TLS, or without (`false`). */
export type TlsAttempts = [ConnectionOptions | false, ...(ConnectionOptions | false)[]]

/**
 * The attempts that libpq would make. The files are read for each connection, so that renewed certificates are used.
 * `mode` is the default of the environment.
 */
export function tlsAttempts(url: DatabaseUrl, host: string, mode: string | undefined): TlsAttempts {
  // Encrypting for this machine alone would only cost time, and a socket has no TLS.
  const fallback = isLocal(host) ? 'disable' : 'prefer'
  const sslmode = url.sslmode ?? ((mode || fallback) as SslMode)
  if (sslmode === 'disable' || host.startsWith('/')) return [false]
  const options = { ...credentials(url), ...verification(url, sslmode) }
  // libpq tries `allow` without TLS first; with TLS is better.
  return ['allow', 'prefer'].includes(sslmode) ? [options, false] : [options]
}

function credentials({ sslcert, sslkey, sslpassword }: DatabaseUrl): ConnectionOptions {
  if (!sslcert || !sslkey) return {}
  return {
    cert: readFileSync(sslcert),
    key: readFileSync(sslkey),
    ...(sslpassword && { passphrase: sslpassword }),
  }
}

function verification({ sslrootcert }: DatabaseUrl, sslmode: SslMode): ConnectionOptions {
  const ca = sslrootcert && sslrootcert !== 'system' ? { ca: readFileSync(sslrootcert) } : {}
  if (sslmode === 'verify-full') return ca
  // With a root certificate, libpq treats `require` as `verify-ca`.
  const verifiesCa = sslmode === 'verify-ca' || (sslmode === 'require' && 'ca' in ca)
  return verifiesCa ? { ...ca, checkServerIdentity: () => undefined } : { rejectUnauthorized: false }
}

function isLocal(host: string): boolean {
  if (host === '' || host === 'localhost' || host.startsWith('/')) return true
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Whether an error means that a server has no TLS, or none that works, so that `prefer` goes without. */
export function isTlsFailure(error: unknown): boolean {
  const { message = '', code = '' } = error as NodeJS.ErrnoException
  return /SSL|TLS/i.test(message) || /SSL|TLS|CERT/.test(code)
}
