import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fastifyCookie } from '@fastify/cookie'
import type { App } from '../app.ts'
import { type Context, createContext } from '../context.ts'
import { authenticate } from '../graphql/authenticate.ts'
import type { ClientAddress, FastifyLike } from './client-address.ts'
import { cookieEffects, cookieReader, type SetCookie } from './cookies.ts'
import { crossSiteLog } from './cross-site-log.ts'
import { offerNonce } from './dpop-nonce.ts'
import { infoOf, presentProofTo } from './request-info.ts'

/**
 * Values of the program's own in the context of each request, such as data loaders. `base` is the context without them,
 * whose names they can't replace.
 */
export type ContextValues = (request: IncomingMessage, base: Context) => object | Promise<object>

/** Adds the program's own values to a context. */
export async function withOwnValues(
  values: ContextValues,
  request: IncomingMessage,
  base: Context,
): Promise<Context> {
  return { ...(await values(request, base)), ...base }
}

/** The first argument of Apollo Server's context functions: of Express and the standalone server, or of Fastify. */
export type ContextSource = { req: IncomingMessage; res: ServerResponse } | FastifyLike

/** The second argument of Fastify's context functions. */
export type ContextReply = { raw: ServerResponse; header(name: string, value: string): unknown }

/** Creates the context of a request to a GraphQL server of the program's own. Guards and operations work as in Authograph's. */
export type ContextFunction = (source: ContextSource, reply?: ContextReply) => Promise<Context>

export function createContextFunction(
  app: App,
  addressOf: ClientAddress,
  values: ContextValues | undefined,
): ContextFunction {
  const readCookies = cookieReader(app.config)
  const effectsOf = cookieEffects(app.config, crossSiteLog(app))
  return async (source, reply) => {
    const request = 'req' in source ? source.req : source.raw
    const response = 'req' in source ? source.res : reply?.raw
    if (!response)
      throw new Error(
        'The context needs the response too: pass both arguments of Fastify’s context function.',
      )
    const id = randomUUID()
    const info = infoOf(
      {
        id,
        ipAddress: addressOf('req' in source ? request : source),
        headers: request.headers,
        get cookies() {
          return fastifyCookie.parse(request.headers.cookie ?? '')
        },
      },
      readCookies,
    )
    presentProofTo(info, request)
    const header = reply ? reply.header.bind(reply) : response.setHeader.bind(response)
    header('x-request-id', id)
    offerNonce(app, info, header)
    const effects = effectsOf(request, cookieSetter(response, reply))
    const context = createContext(app, info, effects, authenticate)
    return values ? withOwnValues(values, request, context) : context
  }
}

/** Fastify collects the cookies of a reply. Elsewhere, a cookie replaces an earlier one with the same name. */
function cookieSetter(response: ServerResponse, reply: ContextReply | undefined): SetCookie {
  return (name, value, options) => {
    const cookie = fastifyCookie.serialize(name, value, options)
    if (reply) return reply.header('set-cookie', cookie)
    const others = [response.getHeader('set-cookie') ?? []].flat().map(String)
    return response.setHeader('set-cookie', [
      ...others.filter(other => !other.startsWith(`${name}=`)),
      cookie,
    ])
  }
}
