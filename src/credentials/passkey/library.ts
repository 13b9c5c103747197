/** Loads the WebAuthn library with the first passkey: it takes about 30 MB and a third of a second. */
export function webauthn(): Promise<typeof import('@simplewebauthn/server')> {
  return import('@simplewebauthn/server')
}

export function webauthnHelpers(): Promise<typeof import('@simplewebauthn/server/helpers')> {
  return import('@simplewebauthn/server/helpers')
}
