import type { CDPSession, Page } from 'playwright-core'

/** The authenticator that Chromium has for tests: a phone or laptop that its owner unlocks without being asked. */
export type VirtualAuthenticator = {
  /** Whether the owner touches the authenticator when it asks. */
  setPresent(present: boolean): Promise<void>
  /** The credentials that it holds now, in base64. */
  credentials(): Promise<{ credentialId: string; userHandle?: string }[]>
}

/** Connects an authenticator to a tab. */
export async function connectAuthenticator(
  page: Page,
  { securityKey = false } = {},
): Promise<VirtualAuthenticator> {
  const cdp: CDPSession = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: securityKey ? 'usb' : 'internal',
      hasResidentKey: !securityKey,
      hasUserVerification: !securityKey,
      isUserVerified: !securityKey,
      automaticPresenceSimulation: true,
    },
  })
  return {
    setPresent: async enabled => {
      await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
    },
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
  }
}
