import { type LookupAddress, lookup as lookupName } from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

const USER_AGENT = 'authograph'

/** Resolves a name to all its addresses. */
export type ResolveAll = (
  name: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export type PostOptions = {
  headers: Record<string, string>
  body: string
  /** For the whole exchange, from resolving the name to the status. */
  timeoutMs: number
  /** Networks that may be reached although they are private, as CIDR. Only they can be reached without TLS. */
  networks: readonly string[]
  aborted?: AbortSignal | undefined
  resolve?: ResolveAll
}

/** Why a message was not accepted. The message is one of a few fixed texts, and never what the other side said. */
export class PostFailure extends Error {
  /** The message, for traces. */
  readonly code: string
  /** Whether the caller aborted it. */
  readonly aborted: boolean
  constructor(message: string, aborted = false) {
    super(message)
    this.name = 'PostFailure'
    this.code = message
    this.aborted = aborted
  }
}

/**
 * Posts JSON to an address that someone typed in. Private and reserved addresses are refused when the connection is
 * opened, to the address that it is opened to: a name that resolves to another address in the meantime reaches nothing.
 * Redirects are not followed, and the body of the answer is not read.
 * @throws PostFailure unless the answer has a status from 200 to 299
 */
export async function post(url: string, options: PostOptions): Promise<void> {
  const { protocol, hostname } = new URL(url)
  const { networks, timeoutMs, aborted, resolve = lookupName } = options
  const secure = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '')
  // Node does not resolve what is an address already.
  if (isIP(host) && !isReachable(host, networks, secure)) throw new PostFailure('private address')
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = aborted ? AbortSignal.any([aborted, timeout]) : timeout
  const status = await new Promise<number>((settle, fail) => {
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(options.body),
        'user-agent': USER_AGENT,
        ...options.headers,
      },
      lookup: reachableOnly(resolve, networks, secure),
      // A connection of its own, whose address was checked for this message.
      agent: false,
      signal,
    })
    request.on('error', fail)
    request.on('response', response => {
      settle(response.statusCode ?? 0)
      response.destroy()
    })
    request.end(options.body)
  }).catch((error: unknown) => {
    if (error instanceof PostFailure) throw error
    if (aborted?.aborted) throw new PostFailure('stopped', true)
    if (timeout.aborted) throw new PostFailure('timeout')
    const { code } = error as NodeJS.ErrnoException
    throw new PostFailure(code && /^[A-Z_]{3,40}$/.test(code) ? code : 'unreachable')
  })
  if (status < 200 || status > 299) throw new PostFailure(`status ${status}`)
}

/** A lookup that returns only addresses that may be reached, and fails if there is none. */
function reachableOnly(resolve: ResolveAll, networks: readonly string[], secure: boolean): LookupFunction {
  return (name, { all }, done) => {
    resolve(name, { all: true }, (error, addresses) => {
      if (error) return done(error, [])
      const reachable = addresses.filter(({ address }) => isReachable(address, networks, secure))
      const [first] = reachable
      if (!first) return done(new PostFailure('private address'), [])
      if (all) done(null, reachable)
      else done(null, first.address, first.family)
    })
  }
}

/** Whether an address is public, or in one of `networks`. Without TLS, it must be in one of them. */
export function isReachable(address: string, networks: readonly string[], secure: boolean): boolean {
  if (!ipaddr.isValid(address)) return false
  // An IPv4 address inside an IPv6 one counts as itself.
  const parsed = ipaddr.process(address)
  const listed = networks.some(network => {
    const [base, bits] = ipaddr.parseCIDR(network)
    return base.kind() === parsed.kind() && parsed.match(base, bits)
  })
  return listed || (secure && parsed.range() === 'unicast')
}
