import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import { Login, Register, Settings } from '../support/operations.ts'
import { createDatabase } from '../support/postgres.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { codes, send } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'

/** The example of docs/production.md. */
const EXAMPLE = path.resolve(import.meta.dirname, '../../docs/examples/tracing/tracing.js')

type Attribute = { key: string; value: { stringValue?: string; intValue?: number } }
type Span = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes: Attribute[]
  status: { code?: number }
}
type Batch = { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }

/** The values of OTLP. */
const [SERVER, CLIENT] = [2, 3]
const ERROR = 2

/** What a collector received (OTLP over HTTP, as JSON). */
const spans: Span[] = []
const collector = createServer(async (request, response) => {
  const batch = (await json(request)) as Batch
  spans.push(...batch.resourceSpans.flatMap(each => each.scopeSpans.flatMap(scope => scope.spans)))
  response.setHeader('content-type', 'application/json').end('{}')
})

/** Accepts what webhooks send. */
const receiver = createServer((_request, response) => void response.writeHead(204).end())

/** No client has this ID. */
const CANARY_ID = '00000000-0000-7000-8000-00000000cafe'

let settings: Record<string, string>
let server: ServerProcess & { url: string }
let release: () => Promise<unknown>

beforeAll(async () => {
  for (const each of [collector, receiver])
    await new Promise<void>(resolve => each.listen(0, '127.0.0.1', resolve))
  const [database, smtp] = await Promise.all([createDatabase(), startSmtp()])
  release = () => Promise.all([database.drop(), smtp.close()])
  settings = {
    DATABASE_URL: database.url,
    SMTP_URL: smtp.url,
    DATABASE_POOL_SIZE: '2',
    NODE_OPTIONS: `--import ${EXAMPLE}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_BSP_SCHEDULE_DELAY: '20',
    PROVIDERS: 'corp',
    PROVIDER_CORP_ISSUER: 'http://localhost:1',
    PROVIDER_CORP_CLIENT_ID: 'authograph',
  }
  server = await start({ ...settings, TRACING: 'on' })
}, 120_000)

afterAll(async () => {
  server.kill('SIGTERM')
  await server.ended
  collector.close()
  receiver.close()
  await release()
})

async function start(given: Record<string, string>): Promise<typeof server> {
  const started = await startProcess(given)
  if (!started.url) throw new Error(started.stderr.join('\n'))
  return { ...started, url: started.url }
}

let requests = 0
/** The headers of a caller that has a trace of its own. */
function newTrace() {
  const traceId = (++requests).toString(16).padStart(32, '0')
  const parentSpanId = requests.toString(16).padStart(16, '0')
  return { traceId, parentSpanId, headers: { traceparent: `00-${traceId}-${parentSpanId}-01` } }
}

/** The spans of a trace, once its operation has ended. */
async function spansOf({ traceId }: { traceId: string }): Promise<Span[]> {
  const own = () => spans.filter(span => span.traceId === traceId)
  await eventually(() => own().some(({ kind }) => kind === SERVER))
  return own()
}

const attribute = ({ attributes }: Span, name: string) =>
  attributes.find(({ key }) => key === name)?.value.stringValue

test('an operation is a span of the caller’s trace, with its statements as children', async () => {
  const trace = newTrace()
  const input = { email: newAddress(), password: PASSWORD }
  expect(codes(await send(server.url, Register, { input }, { headers: trace.headers }))).toEqual([])
  const [operation, ...others] = (await spansOf(trace)).sort((one, two) => two.kind - one.kind).reverse()
  expect(operation).toMatchObject({
    name: 'mutation register',
    kind: SERVER,
    parentSpanId: trace.parentSpanId,
  })
  expect(operation && attribute(operation, 'graphql.operation.name')).toBe('Register')
  expect(others.length).toBeGreaterThan(2)
  expect(others.filter(({ parentSpanId }) => parentSpanId !== operation?.spanId)).toEqual([])
  expect(others.filter(span => attribute(span, 'db.system.name') !== 'postgresql')).toEqual([])
  expect(others.map(span => attribute(span, 'db.query.summary'))).toContain('SELECT email_tokens')
})

test('requests that share the connections keep their statements apart', async () => {
  const register = async () => {
    const trace = newTrace()
    const input = { email: newAddress(), password: PASSWORD }
    await send(server.url, Register, { input }, { headers: trace.headers })
    return trace
  }
  for (const trace of await Promise.all(Array.from({ length: 12 }, register))) {
    const statements = (await spansOf(trace)).filter(({ kind }) => kind === CLIENT)
    expect(statements.filter(({ name }) => name === 'register')).toHaveLength(1)
  }
})

test('a refused operation has its code and is no failure of the server', async () => {
  const trace = newTrace()
  const input = { identifier: newAddress(), password: PASSWORD }
  await send(server.url, Login, { input }, { headers: trace.headers })
  const operation = (await spansOf(trace)).find(({ kind }) => kind === SERVER)
  expect(operation).toMatchObject({ name: 'mutation login' })
  expect(operation && attribute(operation, 'error.type')).toBe('INVALID_CREDENTIALS')
  expect(operation?.status.code).not.toBe(ERROR)
})

test('a document without an operation is a span with the name of the conventions', async () => {
  const trace = newTrace()
  await send(server.url, '{ noSuchField }', {}, { headers: trace.headers })
  expect(await spansOf(trace)).toEqual([expect.objectContaining({ name: 'GraphQL Operation' })])
})

test('an email is a trace of its own, with its template', async () => {
  const input = { email: newAddress(), password: PASSWORD }
  await send(server.url, Register, { input })
  const emails = () => spans.filter(({ name }) => name === 'send email')
  await eventually(() => emails().length > 0)
  const [email] = emails()
  expect(email).toMatchObject({ kind: CLIENT })
  expect(email?.parentSpanId ?? '').toBe('')
  expect(email && attribute(email, 'authograph.mail.template')).toBe('verify-email')
})

test('requests of service accounts and callbacks of providers are spans of their own, with the route and the status', async () => {
  const oauth = newTrace()
  const form = { grant_type: 'client_credentials', client_id: CANARY_ID, client_secret: 'canary' }
  const post = { method: 'POST', body: new URLSearchParams(form), headers: oauth.headers }
  expect((await fetch(`${server.url}/oauth/token`, post)).status).toBe(401)
  const [request, ...statements] = (await spansOf(oauth)).sort((one, two) => one.kind - two.kind)
  expect(request).toMatchObject({ name: 'POST /oauth/token', kind: SERVER, parentSpanId: oauth.parentSpanId })
  expect(request && attribute(request, 'http.route')).toBe('/oauth/token')
  expect(request?.attributes).toContainEqual({
    key: 'http.response.status_code',
    value: { intValue: 401 },
  })
  expect(request?.status.code).not.toBe(ERROR)
  expect(statements.map(({ name }) => name)).toContain('service-account')
  expect(statements.filter(({ parentSpanId }) => parentSpanId !== request?.spanId)).toEqual([])

  const callback = newTrace()
  const address = `${server.url}/sign-in/callback/corp?state=canary&code=canary`
  await fetch(address, { headers: callback.headers, redirect: 'manual' })
  const [answered] = (await spansOf(callback)).sort((one, two) => one.kind - two.kind)
  expect(answered).toMatchObject({ name: 'GET /sign-in/callback/:provider', kind: SERVER })
})

test('a delivery to a webhook is a trace of its own, with its event, its host and the reason of a failure', async () => {
  const client = new pg.Client(settings.DATABASE_URL)
  await client.connect()
  const { port } = receiver.address() as AddressInfo
  for (const address of [`http://127.0.0.1:${port}/hook`, 'http://127.0.0.1:1/canary'])
    await client.query(
      `INSERT INTO webhooks (id, url, events, enabled, created_at)
       VALUES (gen_random_uuid(), $1, '{user.registered}', true, now())`,
      [address],
    )
  await send(server.url, Register, { input: { email: newAddress(), password: PASSWORD } })
  const deliveries = () => spans.filter(({ name }) => name === 'deliver event')
  await eventually(() => deliveries().length > 1)
  await client.query('DELETE FROM webhooks')
  await client.end()
  const facts = deliveries().map(span => [span.kind, span.parentSpanId ?? '', span.status.code ?? 0])
  expect(facts).toEqual(
    expect.arrayContaining([
      [CLIENT, '', 0],
      [CLIENT, '', ERROR],
    ]),
  )
  for (const span of deliveries()) {
    expect(attribute(span, 'authograph.webhook.event')).toBe('user.registered')
    expect(attribute(span, 'server.address')).toBe('127.0.0.1')
  }
  const failed = deliveries().find(({ status }) => status.code === ERROR)
  expect(failed && attribute(failed, 'error.type')).toBe('ECONNREFUSED')
})

test('no span has a value that the client sent or received', async () => {
  const trace = newTrace()
  const input = { email: newAddress('canary'), password: 'canary of brass and steam', displayName: 'Canary' }
  const { data } = await send(server.url, Register, { input }, { headers: trace.headers })
  const payload = data?.register
  const refreshToken = payload?.__typename === 'AuthPayload' ? payload.refreshToken : undefined
  await spansOf(trace)
  const text = JSON.stringify(spans)
  expect(text).not.toMatch(/canary/i)
  expect(refreshToken).toEqual(expect.any(String))
  expect(text).not.toContain(refreshToken)
})

test('background tasks leave no traces', () => {
  const roots = spans.filter(({ parentSpanId }) => !parentSpanId)
  expect([...new Set(roots.map(({ name }) => name))].sort()).toEqual([
    'deliver event',
    'mutation register',
    'send email',
  ])
})

test('when the process ends, the last spans arrive first', async () => {
  const own = await start({ ...settings, TRACING: 'on', OTEL_BSP_SCHEDULE_DELAY: '60000' })
  const trace = newTrace()
  await send(own.url, Settings, {}, { headers: trace.headers })
  own.kill('SIGTERM')
  expect(await own.ended).toBe(0)
  expect((await spansOf(trace)).map(({ name }) => name)).toEqual(['query authSettings'])
}, 60_000)

test('without TRACING, nothing is traced', async () => {
  const own = await start(settings)
  const trace = newTrace()
  await send(own.url, Settings, {}, { headers: trace.headers })
  own.kill('SIGTERM')
  await own.ended
  expect(spans.filter(({ traceId }) => traceId === trace.traceId)).toEqual([])
}, 60_000)

test('with TRACING and without an SDK, the log says what is missing, and requests are answered', async () => {
  const own = await start({ ...settings, TRACING: 'on', NODE_OPTIONS: '' })
  expect((await send(own.url, Settings)).errors).toEqual([])
  expect(own.stdout.join('\n')).toContain('no OpenTelemetry SDK is registered')
  own.kill('SIGTERM')
  await own.ended
}, 60_000)
