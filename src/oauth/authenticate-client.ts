import type { App } from '../app.ts'
import { record } from '../audit/record.ts'
import type { RequestInfo } from '../context.ts'
import { isId } from '../database/client.ts'
import { networkOf } from '../network/address.ts'
import { countAttempt } from '../rate-limit/limit.ts'
import { isAssertionOf } from './client-assertion.ts'
import { type ClientCredentials, clientRefused } from './client-credentials.ts'
import { isSecretOf } from './client-secret.ts'
import { findService, type Service } from './find-service-account.ts'

/**
 * The service account that the credentials prove. A client that does not exist takes the same work, and the same answer,
 * as a wrong secret. Failures count against the network; successes never do, so a network that someone floods from goes
 * on working for its own services.
 * @throws OAuthError invalid_client; AuthError RATE_LIMITED
 */
export async function authenticateClient(
  app: App,
  credentials: ClientCredentials,
  request: RequestInfo,
): Promise<Service> {
  const { clientId } = credentials
  const service = isId(clientId) ? await findService(app, clientId) : undefined
  const proved =
    credentials.kind === 'secret'
      ? isSecretOf(service, credentials.secret, app.clock.now())
      : await isAssertionOf(app, service, clientId, credentials.assertion)
  if (service && proved) return service
  await countFailure(app, clientId, service, request)
  throw clientRefused()
}

async function countFailure(
  app: App,
  clientId: string,
  service: Service | undefined,
  request: RequestInfo,
): Promise<void> {
  await countAttempt(app, [{ rule: 'client.network', subject: networkOf(request.ipAddress) }], request)
  await record(app.db, request, {
    action: 'service.denied',
    at: app.clock.now(),
    subjectId: service?.id,
    // Anything else is text that a stranger chose.
    detail: { clientId: isId(clientId) ? clientId : null },
  })
}
