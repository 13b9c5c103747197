/** openid-client. */
export type OpenidClient = typeof import('openid-client')

let openid: Promise<OpenidClient> | undefined
let signatures: Promise<typeof import('jose')> | undefined

/** Loads the library of OpenID clients with the first use of a provider: most servers start without one. */
export function openidClient(): Promise<OpenidClient> {
  openid ??= import('openid-client')
  return openid
}

/** Loads the library of signed tokens with the first use of a provider. */
export function jose(): Promise<typeof import('jose')> {
  signatures ??= import('jose')
  return signatures
}
