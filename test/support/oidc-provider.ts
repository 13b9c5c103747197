import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const PROGRAM = path.resolve(import.meta.dirname, 'oidc-provider-main.mjs')
const MAX_STEPS = 20

/** A real OpenID provider on localhost: oidc-provider, in a process of its own. */
export type OidcProvider = {
  issuer: string
  clientId: string
  clientSecret: string
  /** The settings of a service that offers it as `id`: `PROVIDERS=corp`, `PROVIDER_CORP_ISSUER=…`. */
  settings(id?: string): Record<string, string>
  /**
   * Gives an account other claims. Without them, the account `ada` has the verified address `ada@example.com` and the
   * name `ada`. An account exists as soon as someone signs in to it.
   */
  setClaims(sub: string, claims: Record<string, unknown>): Promise<void>
  /** Where it announces that a person has signed out of it. */
  setBackchannelLogoutUri(uri: string): Promise<void>
  /** A browser that has no session at the provider. */
  newBrowser(): OidcBrowser
  stop(): Promise<void>
}

/**
 * Starts the provider with one client, which the providers of these ids in the settings share. `basePath` is the path of the
 * service's PUBLIC_URL.
 */
export async function startOidcProvider(
  ids: readonly string[] = ['corp'],
  basePath = '',
): Promise<OidcProvider> {
  const clientId = 'authograph'
  const clientSecret = 'a client secret that only the tests know'
  const redirectPaths = ids.map(id => `${basePath}/sign-in/callback/${id}`)
  const child = fork(PROGRAM, [JSON.stringify({ clientId, clientSecret, redirectPaths })], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // The test runner's own are none of its business.
    execArgv: [],
    env: { PATH: process.env.PATH },
  })
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk
  })
  const ended = once(child, 'exit')
  const [{ issuer }] = (await Promise.race([
    once(child, 'message'),
    ended.then(() => Promise.reject(new Error(`oidc-provider did not start: ${complaints}`))),
  ])) as [{ issuer: string }]
  const tell = commander(child)
  return {
    issuer,
    clientId,
    clientSecret,
    settings: (id = 'corp') => {
      const prefix = `PROVIDER_${id.toUpperCase().replaceAll('-', '_')}_`
      return {
        PROVIDERS: id,
        [`${prefix}ISSUER`]: issuer,
        [`${prefix}CLIENT_ID`]: clientId,
        [`${prefix}CLIENT_SECRET`]: clientSecret,
      }
    },
    setClaims: (sub, claims) => tell('claims', { sub, claims }),
    setBackchannelLogoutUri: uri => tell('backchannelLogoutUri', { uri }),
    newBrowser: () => new OidcBrowser(issuer),
    stop: async () => {
      child.kill()
      await ended
    },
  }
}

/** Sends a command to the process, and resolves once it has followed it. */
function commander(child: ChildProcess) {
  const waiting = new Map<number, () => void>()
  child.on('message', ({ id }: { id: number }) => waiting.get(id)?.())
  let last = 0
  return (command: string, given: object) => {
    const id = ++last
    return new Promise<void>(resolve => {
      waiting.set(id, resolve)
      child.send({ id, command, ...given })
    })
  }
}

/** A person's browser at the provider: keeps its cookies, follows its redirects and fills in its form. */
export class OidcBrowser {
  readonly #cookies = new Map<string, string>()
  readonly #issuer: string

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  /**
   * Opens an authorization URL, signs in to the account if the provider asks, and returns the address that the provider
   * sends the browser back to, which is not opened.
   */
  async authorize(url: string | URL, login: string): Promise<URL> {
    return this.#walk(url, { login, action: 'continue' })
  }

  /** The same for a person who refuses. */
  async refuse(url: string | URL): Promise<URL> {
    return this.#walk(url, { login: '', action: 'cancel' })
  }

  /** Signs out at the provider, which announces it by back-channel logout before this resolves. */
  async signOut(): Promise<void> {
    const form = await (await this.#open(`${this.#issuer}/session/end`)).text()
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(form)?.[1]
    if (!xsrf) throw new Error(`not the page for signing out: ${form}`)
    await this.#open(`${this.#issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
  }

  async #walk(start: string | URL, answer: Record<string, string>): Promise<URL> {
    let url = new URL(start)
    let form: Record<string, string> | undefined
    for (let step = 0; step < MAX_STEPS; step++) {
      if (url.origin !== this.#issuer) return url
      const response = await this.#open(url, form)
      const location = response.headers.get('location')
      if (location) {
        url = new URL(location, url)
        form = undefined
      } else if (response.ok && !form) {
        form = answer
      } else {
        throw new Error(`the provider answered ${response.status}: ${await response.text()}`)
      }
    }
    throw new Error(`the provider redirects without end: ${url}`)
  }

  async #open(url: string | URL, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(pair => pair.join('=')).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split(/=(.*)/s)
      if (value) this.#cookies.set(name, value)
      else this.#cookies.delete(name)
    }
    return response
  }
}
