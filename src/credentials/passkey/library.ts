let server: Promise<typeof import('@simplewebauthn/server')> | undefined
let helpers: Promise<typeof import('@simplewebauthn/server/helpers')> | undefined

/** Loads the WebAuthn library with the first passkey: it takes about 30 MB and a third of a second. */
export function webauthn(): Promise<typeof import('@simplewebauthn/server')> {
  server ??= import('@simplewebauthn/server')
  return server
}

export function webauthnHelpers(): Promise<typeof import('@simplewebauthn/server/helpers')> {
  helpers ??= import('@simplewebauthn/server/helpers')
  return helpers
}
