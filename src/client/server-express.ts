import type { ServerAuth, ServerSession } from './server-auth.ts'
import { localAddress, type SsrRequest } from './server-request.ts'

/** The parts of Express's and Connect's objects that the middleware uses. */
type ExpressRequest = SsrRequest & {
  readonly originalUrl?: string | undefined
  readonly url?: string | undefined
}
type ExpressResponse = {
  locals?: Record<string, unknown>
  getHeader(name: string): unknown
  setHeader(name: string, value: string | readonly string[]): unknown
  writeHead(status: number, headers: Record<string, string>): { end(): unknown }
}

/**
 * Middleware for Express: puts the session of each request into `res.locals.auth`, a ServerSession, and passes its cookies
 * on to the browser.
 */
export function expressAuth(auth: Pick<ServerAuth, 'session'>) {
  return (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void): void => {
    auth.session(request).then(session => {
      passOn(session, response)
      if (session.redirect)
        response.writeHead(307, { location: localAddress(request.originalUrl ?? request.url ?? '/') }).end()
      else next()
    }, next)
  }
}

function passOn(session: ServerSession, response: ExpressResponse): void {
  response.locals = Object.assign(response.locals ?? {}, { auth: session })
  if (session.setCookies.length === 0) return
  const before = [response.getHeader('set-cookie') ?? []].flat() as string[]
  response.setHeader('set-cookie', [...before, ...session.setCookies])
  // A shared cache must not hand the cookies to others.
  response.setHeader('cache-control', 'private, no-store')
}
