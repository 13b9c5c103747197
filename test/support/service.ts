import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
import { type DocumentNode, print } from 'graphql'
import pino from 'pino'
import type { Email } from 'postal-mime'
import type { App } from '../../src/app.ts'
import { type Authograph, createAuthograph } from '../../src/authograph.ts'
import { loadConfig } from '../../src/config.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { deliverMails } from '../../src/mail/deliver.ts'
import { openApp } from '../../src/open.ts'
import type { AuthographOptions } from '../../src/options.ts'
import { startServer } from '../../src/server.ts'
import { TestClock } from './clock.ts'
import { watchClients } from './hang-up.ts'
import { createDatabase } from './postgres.ts'
import { startSmtp } from './smtp.ts'

export type ErrorFacts = {
  message: string
  path?: (string | number)[]
  extensions: { code: ErrorCode; fields?: Record<string, string[]>; reason?: string; [fact: string]: unknown }
}

export type Reply<Data> = {
  status: number
  headers: Headers
  data: Data | null | undefined
  errors: ErrorFacts[]
}

export type Sending = {
  /** An access token. */
  token?: string | undefined
  headers?: Record<string, string>
}

export type Service = {
  url: string
  app: App
  clock: TestClock
  /** Lines that the service logged as JSON, the newest last. */
  logged: string[]
  /** Sends the queued emails, and returns all emails to `address`, newest last. */
  mailsTo(address: string): Promise<Email[]>
  send<Data, Variables>(
    document: TypedDocumentNode<Data, Variables> | DocumentNode | string,
    variables?: Variables,
    sending?: Sending,
  ): Promise<Reply<Data>>
  close(): Promise<void>
}

export const SECRET = 'a secret that only the tests may know'

/** The default settings of a test service: cheap hashes, but nothing switched off. */
const SETTINGS = {
  NODE_ENV: 'test',
  PORT: '0',
  PUBLIC_URL: 'http://localhost:4000',
  // The pages are not built for every run.
  WEB: 'off',
  AUTHOGRAPH_SECRET: SECRET,
  HASH_CONCURRENCY: '2',
  // Hashing yields to everything else, and so to other tests.
  HASH_WAIT_MS: '30000',
  LOG_LEVEL: 'warn',
  // All accounts of a test register from one network.
  LIMIT_MAIL_NETWORK: '500/1h',
}
const CHEAP_HASHES = { ARGON2_MEMORY_KIB: '64', ARGON2_TIME_COST: '1' }

export type ServiceOptions = {
  settings?: Record<string, string>
  /** Of another service, to be its replica. */
  databaseUrl?: string
  clock?: TestClock
  /** Goes by the database's time, as in production; then `clock` moves nothing. */
  databaseTime?: boolean
  /**
   * Gives up on the database as soon as in production. By default it waits longer, because on a busy machine requests that
   * wait for each other would fail.
   */
  impatient?: boolean
  server?: Omit<NonNullable<Parameters<typeof startServer>[0]>, 'config' | 'clock' | 'log'>
}

/** Starts the whole service on its own database, listening on a free port. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const own = options.databaseUrl ? undefined : await createDatabase()
  const smtp = options.settings?.SMTP_URL ? undefined : await startSmtp()
  const DATABASE_URL = options.databaseUrl ?? own?.url
  const clock = options.clock ?? new TestClock()
  const { config, log, logged } = configure(
    { DATABASE_URL, SMTP_URL: smtp?.url, ...options.settings },
    options.impatient,
  )
  const hangUp = watchClients()
  const release = async () => {
    await smtp?.close()
    await own?.drop()
  }
  const server = await startServer({
    ...options.server,
    config,
    log,
    ...(!options.databaseTime && { clock }),
  }).catch(async (error: unknown) => {
    hangUp(0)
    await release()
    throw error
  })
  return {
    url: server.url,
    app: server.app,
    clock,
    logged,
    mailsTo: async address => {
      const queued = { recipient: address, status: 'queued' }
      const deadline = Date.now() + 20_000
      // The service's own worker may be sending some of them.
      do {
        if (Date.now() > deadline) throw new Error(`the emails to ${address} were not sent within 20 s`)
        await deliverMails(server.app)
      } while (await server.app.db.mail.count({ where: queued }))
      return (
        (smtp?.mails ?? [])
          .filter(mail => mail.to?.some(to => to.address === address))
          // Emails may arrive in a different order than they were queued.
          .sort((one, other) => String(one.messageId).localeCompare(String(other.messageId)))
      )
    },
    send: (document, variables, sending) => send(server.url, document, variables, sending),
    close: async () => {
      hangUp(Number(new URL(server.url).port))
      await server.close()
      await release()
    },
  }
}

export type Embedded = {
  auth: Authograph
  /** Lines that the service logged as JSON, the newest last. */
  logged: string[]
  close(): Promise<void>
}

/** The service inside a server of the test's own, on its own database. Its settings are those of a program in code. */
export async function embed({ config: _none, ...options }: AuthographOptions = {}): Promise<Embedded> {
  const own = await createDatabase()
  const logged: string[] = []
  const auth = await createAuthograph({
    nodeEnv: 'test',
    web: false,
    mail: false,
    authographSecret: SECRET,
    argon2MemoryKib: 64,
    argon2TimeCost: 1,
    hashConcurrency: 2,
    hashWaitMs: 30_000,
    databaseUrl: own.url,
    log: pino({ level: 'warn' }, { write: line => void logged.push(line) }),
    ...options,
  })
  const close = async () => {
    await auth.close()
    await own.drop()
  }
  return { auth, logged, close }
}

const PATIENCE_MS = 20_000

function configure(settings: Record<string, string | undefined>, impatient = false) {
  // Production refuses cheap hashes.
  const costs = settings.NODE_ENV === 'production' ? {} : CHEAP_HASHES
  const loaded = loadConfig({ ...SETTINGS, ...costs, ...settings })
  const database = { ...loaded.database, ...(!impatient && { timeoutMs: PATIENCE_MS }) }
  const config = { ...loaded, database }
  const logged: string[] = []
  const log = pino({ level: config.logLevel }, { write: line => void logged.push(line) })
  return { config, log, logged }
}

/** The app on its own database, without the HTTP server and the background tasks: nothing happens by itself. */
export async function startApp(settings: Record<string, string>) {
  const own = await createDatabase()
  const clock = new TestClock()
  const { config, log, logged } = configure({ DATABASE_URL: own.url, ...settings })
  const app = await openApp(config, { clock, log })
  const close = async () => {
    await app.close()
    await own.drop()
  }
  return { app, clock, logged, close }
}

export async function send<Data, Variables>(
  url: string,
  document: TypedDocumentNode<Data, Variables> | DocumentNode | string,
  variables?: Variables,
  { token, headers }: Sending = {},
): Promise<Reply<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query: typeof document === 'string' ? document : print(document), variables }),
  })
  const body = (await response.json()) as { data?: Data; errors?: ErrorFacts[] }
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors ?? [] }
}

/**
 * A service for all tests of a file. A test that makes it log a warning or an error fails, unless it says
 * so by taking the lines: `service.logged.splice(0)`.
 */
export function useService(options: ServiceOptions = {}): Service {
  const holder: { service?: Service } = {}
  beforeAll(async () => {
    holder.service = await startService(options)
  })
  afterEach(() => {
    const lines = holder.service?.logged.splice(0)
    expect(lines).toEqual([])
  })
  afterAll(() => holder.service?.close())
  return new Proxy({} as Service, {
    get: (_target, name) => holder.service?.[name as keyof Service],
  })
}

/** The codes of a reply's errors. */
export function codes({ errors }: { errors: ErrorFacts[] }): ErrorCode[] {
  return errors.map(error => error.extensions.code)
}
