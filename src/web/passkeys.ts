import { useBrowserFact } from './hydration.ts'
import { settings } from './page-settings.ts'

/** Loaded when it is needed, so that the sign-in form does not wait for it. */
export const loadPasskeys = () => import('../client/passkeys.ts')

/** Whether the server and this browser have passkeys. The server assumes that browsers do. */
export function useHasPasskeys(): boolean {
  const supported = useBrowserFact(() => 'PublicKeyCredential' in window, true)
  return settings.passkeys && supported
}
