import { constants, KeyObject, type VerifyKeyObjectInput, verify, type webcrypto } from 'node:crypto'
import type { CryptoKey, JWSHeaderParameters } from 'jose'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import type { ProviderClient } from './discovery.ts'
import { isUnreachable, providerFailed, toProviderError } from './failure.ts'

/** RFC 7518, section 3.3. */
const RSA_MIN_BITS = 2048

/** The library keeps the keys of a provider, and imports them for WebCrypto. */
const keyObjects = new WeakMap<CryptoKey, KeyObject>()

/**
 * Requires that the provider has signed the token, with an algorithm that it announced and a key of its key set. Nothing
 * in the token's header can name another key. Verifies synchronously: WebCrypto takes a trip through the thread pool, which
 * costs more than the check of a signature.
 * @throws AuthError PROVIDER_FAILED
 */
export async function requireSignature(
  provider: ProviderSettings,
  { keys, algorithms }: ProviderClient,
  token: string,
): Promise<void> {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as JWSHeaderParameters
  if (alg === undefined || !algorithms.includes(alg)) throw providerFailed(provider.id, 'algorithm')
  if (!keys) throw providerFailed(provider.id, 'signature')
  const key = await keys({ alg, ...(kid !== undefined && { kid }) }, { payload, signature }).catch(
    (error: unknown) => {
      const failed = toProviderError(provider.id, error)
      throw isUnreachable(failed) ? failed : providerFailed(provider.id, 'signature')
    },
  )
  const data = Buffer.from(`${header}.${payload}`)
  if (!isSigned(alg, toKeyObject(key), data, Buffer.from(signature, 'base64url')))
    throw providerFailed(provider.id, 'signature')
}

function toKeyObject(key: CryptoKey): KeyObject {
  const known = keyObjects.get(key) ?? KeyObject.from(key as webcrypto.CryptoKey)
  keyObjects.set(key, known)
  return known
}

/** The names of the algorithms are those of RFC 7518 and RFC 8037. */
function isSigned(alg: string, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  if (alg.startsWith('Ed')) return verify(null, data, key, signature)
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < RSA_MIN_BITS) return false
  return verify(`sha${alg.slice(2)}`, data, { key, ...optionsOf(alg) }, signature)
}

function optionsOf(alg: string): Omit<VerifyKeyObjectInput, 'key'> {
  if (alg.startsWith('ES')) return { dsaEncoding: 'ieee-p1363' }
  if (!alg.startsWith('PS')) return { padding: constants.RSA_PKCS1_PADDING }
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
}
