import type { AuthClientOptions } from './client.ts'
import { absolute, originOf } from './http.ts'
import { indexedKey } from './indexed-key.ts'
import { RENDERED } from './rendered.ts'
import type { KeyStorage } from './session-key.ts'
import type { TokenStorage } from './storage.ts'

/**
 * Where the key of a client is kept. Its tabs share `name`, and `storage` is undefined with the cookie. Other origins and
 * servers can have the session of a cookie too, and they do not have the key: then the default is none.
 */
export function keyStorageFor(
  { key, url, accessToken, cookiePrefix = '' }: AuthClientOptions,
  name: string | undefined,
  storage: TokenStorage | undefined,
): KeyStorage | undefined {
  const { document, location } = globalThis
  if (key !== undefined) return key || undefined
  // The session of an administrator as another user is bound to the key of the administrator's own, and leaves it alone.
  if (accessToken !== undefined)
    return location && { ...indexedKey(nameOfTabs(url, 'cookie')), create: () => null, remove: () => {} }
  if (storage?.key || name === undefined || !document || !location) return storage?.key
  const isShared =
    !storage &&
    (originOf(absolute(url)) !== location.origin || document.cookie.includes(`${cookiePrefix + RENDERED}=`))
  return isShared ? undefined : indexedKey(name)
}

/** Versions the messages between tabs: a tab from before an update may still be open. */
export function nameOfTabs(url: string, scope: string): string {
  return `authograph 2 ${absolute(url)} ${scope}`
}
