import { z } from 'zod'
import type { App } from '../../app.ts'
import type { RequestInfo, Viewer } from '../../context.ts'
import type { Identity } from '../../generated/prisma/client.ts'
import { checkInput } from '../../input.ts'
import { idTokenFields, proveIdToken } from '../../sign-in/prove-id-token.ts'
import { linkToViewer, requireMayLink } from './link-to-viewer.ts'

const schema = z.object(idTokenFields)

/**
 * Connects the identity of an ID token, which an app received from a provider's own sign-in on the device, to the
 * viewer's account. Proving it has used up its nonce.
 * @throws AuthError as `linkToViewer` and `proveIdToken`; REAUTHENTICATION_REQUIRED, STEP_UP_REQUIRED
 */
export async function linkIdToken(
  app: App,
  input: unknown,
  viewer: Viewer,
  request: RequestInfo,
): Promise<Identity> {
  await requireMayLink(app, viewer)
  const proof = checkInput(schema, input)
  const profile = await proveIdToken(app, proof, request, viewer.account.id)
  return linkToViewer(app, viewer, profile, async () => {}, request)
}
