import { afterEach } from '@jest/globals'
import {
  type AuthClient,
  type AuthClientOptions,
  createAuthClient,
  type Locks,
} from '../../src/client/index.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import type { Service } from '../support/service.ts'

/** Longer than an access token’s lifetime. */
export const EXPIRY_SECONDS = 661

type Send = () => Promise<Response>
/** What happens to a request instead of a normal exchange. */
export type Fault = (send: Send) => Promise<Response>

/** The request arrives, but its answer does not. */
export const lost: Fault = async send => {
  await send()
  throw new TypeError('fetch failed')
}

/** Nothing arrives. */
export const cut: Fault = async () => {
  throw new TypeError('fetch failed')
}

/** The request arrives twice, as behind some proxies. */
export const replayed: Fault = async send => {
  await send()
  return send()
}

/** The server or a proxy answers with `body`. */
export const answered =
  (body: string, status = 200): Fault =>
  async () =>
    new Response(body, { status, headers: { 'content-type': 'application/json' } })

export const refusedWith = (code: string, extensions: Record<string, unknown> = {}): Fault =>
  answered(JSON.stringify({ errors: [{ message: code, extensions: { code, ...extensions } }] }))

/** Holds the request, or its answer, until `release` is called. */
export function gate(place: 'before' | 'after') {
  let release = () => {}
  let reach = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const reached = new Promise<void>(resolve => {
    reach = resolve
  })
  const fault: Fault = async send => {
    const response = place === 'after' ? await send() : undefined
    reach()
    await released
    return response ?? send()
  }
  return { fault, reached, release }
}

/** A browser's session and device cookies for one host. */
export type Jar = { cookie?: string | undefined; device?: string | undefined }

/** The network between a client and the server, which tests can cut, slow and replay. */
export class Network {
  /** The names of the operations sent, in order; `fetch` for requests without one. */
  readonly sent: string[] = []
  readonly #faults = new Map<string, Fault[]>()
  readonly #jar: Jar | undefined

  constructor(jar?: Jar) {
    this.#jar = jar
  }

  /** What happens to the next requests with this operation, in order. */
  on(operation: string, ...faults: Fault[]): void {
    this.#faults.set(operation, faults)
  }

  count(operation: string): number {
    return this.sent.filter(name => name === operation).length
  }

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const name = /(?:query|mutation) (\w+)/.exec(String(init.body))?.[1] ?? 'fetch'
    this.sent.push(name)
    const fault = this.#faults.get(name)?.shift()
    const send = () => this.#send(input, init)
    if (!fault) return this.#kept(send(), init)
    // A browser keeps the cookie of an answer that arrives after the page canceled the request.
    return unlessAborted(this.#kept(fault(send), init), init.signal)
  }

  async #send(input: string | URL | Request, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
    if (this.#jar && init.credentials === 'include') {
      headers.set('origin', 'http://localhost:4000')
      const cookies = [this.#jar.cookie, this.#jar.device].filter(cookie => cookie !== undefined)
      if (cookies.length > 0) headers.set('cookie', cookies.join('; '))
    }
    return fetch(input, { ...init, headers })
  }

  async #kept(answer: Promise<Response>, init: RequestInit): Promise<Response> {
    const response = await answer
    this.#keepCookie(response, init)
    return response
  }

  #keepCookie(response: Response, { credentials }: RequestInit): void {
    if (!this.#jar || credentials !== 'include') return
    for (const set of response.headers.getSetCookie()) {
      const cookie = set.split(';')[0]
      const name = cookie?.startsWith('authograph_device=') ? 'device' : 'cookie'
      this.#jar[name] = cookie?.endsWith('=') ? undefined : cookie
    }
  }
}

/** A canceled request rejects, whatever holds it. */
function unlessAborted(
  response: Promise<Response>,
  signal: AbortSignal | null | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
    response.then(resolve, reject)
  })
}

/** A stand-in for `navigator.locks`, which Node 20 lacks. */
export function fakeLocks(): Locks & { held: Set<string> } {
  const held = new Set<string>()
  const waiting: (() => void)[] = []
  return {
    held,
    async request(name, { ifAvailable, signal }, run) {
      if (held.has(name) && ifAvailable) return run(null)
      while (held.has(name)) {
        await new Promise<void>((resolve, reject) => {
          waiting.push(resolve)
          signal?.addEventListener('abort', () => reject(signal.reason))
        })
      }
      held.add(name)
      try {
        return await run({ name })
      } finally {
        held.delete(name)
        waiting.shift()?.()
      }
    },
  }
}

export type Tab = { client: AuthClient; network: Network }

const open: AuthClient[] = []
afterEach(() => {
  for (const client of open.splice(0)) client.close()
})

/** A client on a network of its own. With a jar, it is a page that uses the cookie. */
export function tab(service: Service, options: Partial<AuthClientOptions> = {}, jar?: Jar): Tab {
  const network = new Network(jar)
  const client = createAuthClient({
    url: `${service.url}/graphql`,
    transport: jar ? 'cookie' : 'body',
    fetch: network.fetch,
    key: false,
    ...options,
  })
  open.push(client)
  return { client, network }
}

/** A client that has registered and is signed in. */
export async function signedIn(
  service: Service,
  options: Partial<AuthClientOptions> = {},
  jar?: Jar,
): Promise<Tab & { email: string }> {
  const one = tab(service, options, jar)
  const email = newAddress()
  await one.client.register({ email, password: PASSWORD, displayName: 'Ada' })
  one.network.sent.length = 0
  return { ...one, email }
}

/** Turns of the event loop, in which messages between tabs arrive. */
export async function settled(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 50))
}
