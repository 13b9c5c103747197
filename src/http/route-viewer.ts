import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { GraphQLResolveInfo } from 'graphql'
import type { App } from '../app.ts'
import { createContext, type ResponseEffects, type Viewer } from '../context.ts'
import { authChecker } from '../graphql/auth-checker.ts'
import { authenticate } from '../graphql/authenticate.ts'
import type { ClientAddress, FastifyLike } from './client-address.ts'
import { infoOf, presentProofTo } from './request-info.ts'

/**
 * Returns who makes a request to a route of the program's own. The request needs the access token of a live session and,
 * if permissions are given, one of them: the rules of `@Authorized`.
 * @throws AuthError UNAUTHENTICATED, STEP_UP_REQUIRED, FORBIDDEN
 */
export type RouteViewer = (
  request: IncomingMessage | FastifyLike,
  ...permissions: string[]
) => Promise<Viewer>

/** Routes read the access token only: cookies renew it at Authograph's own address. */
const noCookies = () => ({ refreshCookie: undefined, deviceCookie: undefined })
const noEffects: ResponseEffects = {
  setRefreshCookie() {},
  clearRefreshCookie() {},
  setDeviceCookie() {},
  setFlowCookie() {},
}

export function createRouteViewer(app: App, addressOf: ClientAddress): RouteViewer {
  return async (request, ...permissions) => {
    const raw = 'raw' in request ? request.raw : request
    const { headers } = raw
    const info = infoOf({ id: randomUUID(), ipAddress: addressOf(request), headers, cookies: {} }, noCookies)
    presentProofTo(info, raw)
    const context = createContext(app, info, noEffects, authenticate)
    // For the audit log. Not the address, of which there can be any number.
    const place = { parentType: { name: 'Route', getFields: () => ({}) }, fieldName: permissions.join('|') }
    await authChecker(
      { root: undefined, args: {}, context, info: place as unknown as GraphQLResolveInfo },
      permissions,
    )
    return context.viewer()
  }
}
