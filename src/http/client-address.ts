import type { IncomingMessage } from 'node:http'
import proxyAddress from '@fastify/proxy-addr'
import type { App } from '../app.ts'

/** A request to a server of Fastify. */
export type FastifyLike = { raw: IncomingMessage; ip: string }

type Framed = IncomingMessage & {
  /** Express and NestJS, and middleware of Fastify. */
  ip?: unknown
  /** Express: its settings. */
  app?: { get?: (name: string) => unknown }
}

/** Determines the address of the client that sent a request to another server. */
export type ClientAddress = (request: IncomingMessage | FastifyLike) => string | undefined

/**
 * With TRUSTED_PROXIES, its rules decide. Otherwise, the address that the framework has determined by its own setting
 * counts, unless that setting trusts every proxy: a client could then choose its address, and with it avoid the limits.
 */
export function clientAddress({ config, log }: App): ClientAddress {
  if (config.trustedProxies.length > 0) {
    const trusts = proxyAddress.compile(config.trustedProxies)
    return request => proxyAddress('raw' in request ? request.raw : request, trusts)
  }
  let warned = false
  const unlessForged = (ip: string, connection: string | undefined, trustsEveryone: boolean) => {
    if (!trustsEveryone) return ip
    if (!warned) log.warn(TRUSTS_EVERYONE)
    warned = true
    return connection
  }
  return request => {
    if ('raw' in request) {
      return unlessForged(request.ip, request.raw.socket.remoteAddress, fastifyTrustsEveryone(request))
    }
    const { ip, app, socket } = request as Framed
    if (typeof ip !== 'string') return socket.remoteAddress
    return unlessForged(ip, socket.remoteAddress, expressTrustsEveryone(app))
  }
}

const TRUSTS_EVERYONE =
  'the server around Authograph trusts every proxy, so clients could choose their address: Authograph uses the address of the connection. Name your proxies there, or set TRUSTED_PROXIES'

/** Two addresses that no list of proxies names: they are reserved for documentation (RFC 5737). */
const STRANGERS = ['192.0.2.1', '203.0.113.1'] as const
const DISTANCE = 1000

/** Express keeps its setting `trust proxy` as a function of an address and its distance. */
function expressTrustsEveryone(app: Framed['app']): boolean {
  const trusts: unknown = app?.get?.('trust proxy fn')
  return typeof trusts === 'function' && STRANGERS.every(address => trusts(address, DISTANCE) === true)
}

const known = new WeakMap<object, boolean>()

/** Fastify shows its setting `trustProxy` only by what it does: here, with a request through a stranger. */
function fastifyTrustsEveryone(request: FastifyLike): boolean {
  const kind = Object.getPrototypeOf(request) as object
  const before = known.get(kind)
  if (before !== undefined) return before
  const [client, proxy] = STRANGERS
  const raw = { headers: { 'x-forwarded-for': client }, socket: { remoteAddress: proxy } }
  const probe = Object.create(kind, { raw: { value: raw } }) as FastifyLike
  const trustsEveryone = probe.ip === client
  known.set(kind, trustsEveryone)
  return trustsEveryone
}
