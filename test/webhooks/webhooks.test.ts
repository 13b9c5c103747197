import { randomUUID } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type pg from 'pg'
import { Webhook } from 'standardwebhooks'
import type { App, ServerEvent } from '../../src/app.ts'
import type { AuditAction } from '../../src/audit/actions.ts'
import { NO_REQUEST, record } from '../../src/audit/record.ts'
import { addSeconds } from '../../src/clock.ts'
import { inTransaction } from '../../src/database/client.ts'
import { prune } from '../../src/maintenance/prune.ts'
import { type PostOptions, post } from '../../src/network/post.ts'
import { deliverWebhooks } from '../../src/webhooks/deliver.ts'
import { measureQueue } from '../../src/webhooks/measure-queue.ts'
import { as, login, newRole, register, type SignedIn, signIn, signUp, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { eventually } from '../support/eventually.ts'
import { DeleteAccount, Logout } from '../support/operations.ts'
import { isSigned, startReceiver } from '../support/receiver.ts'
import { codes, startService, useService } from '../support/service.ts'

const receiver = await startReceiver()
const service = useService()
afterAll(() => receiver.stop())

const DAY = 86_400
let admin: SignedIn
beforeEach(async () => {
  admin = await signUpWith(service, await newRole(service, 'webhooks:write'))
})
afterEach(async () => {
  receiver.answer(() => 204)
  receiver.received.length = 0
  await service.app.pool.query('DELETE FROM webhooks; DELETE FROM webhook_deliveries')
})

const CREATE = `mutation ($input: WebhookInput!) {
  createWebhook(input: $input) { webhook { id url events enabled } secret }
}`
type Created = { createWebhook: { webhook: { id: string; url: string; events: string[] }; secret: string } }

function send<Data = Record<string, unknown>>(text: string, variables = {}, viewer: SignedIn = admin) {
  return service.send<Data, object>(text, variables, as(viewer))
}

/** A webhook at a path of its own. */
async function newWebhook(events = ['*'], fields: { url?: string } = {}) {
  const path = `/${randomUUID()}`
  const { data, errors } = await send<Created>(CREATE, {
    input: { url: receiver.at(path), events, ...fields },
  })
  if (!data) throw new Error(JSON.stringify(errors))
  const { webhook, secret } = data.createWebhook
  return { ...webhook, secret, path, arrived: () => receiver.to(path) }
}

const queued = (where = {}) => service.app.db.webhookDelivery.count({ where: { status: 'queued', ...where } })

/** Delivers what is due until nothing is queued any more. */
async function deliverAll(app: App = service.app): Promise<void> {
  await eventually(async () => {
    await deliverWebhooks(app)
    return (await queued()) === 0
  })
}

/** Waits until something has arrived. The service delivers every second by itself. */
const until = (holds: () => boolean | Promise<boolean>) =>
  eventually(async () => {
    await deliverWebhooks(service.app)
    return holds()
  })

describe('an event', () => {
  test('arrives signed by Standard Webhooks, and says with IDs alone what happened to whom', async () => {
    const { arrived, secret } = await newWebhook(['user.registered', 'session.started'])
    const { id, email, sessionId } = await signUp(service, { displayName: 'Ada Lovelace' })
    await deliverAll()
    const [registered, started, ...more] = arrived()
    expect(more).toEqual([])
    if (!registered || !started) throw new Error('nothing arrived')
    const [event] = await auditOf(service, id)
    expect(new Webhook(secret).verify(registered.body, registered.headers as Record<string, string>)).toEqual(
      {
        type: 'user.registered',
        timestamp: event?.at.toISOString(),
        data: { eventId: event?.id, actorId: id, subjectId: id },
      },
    )
    expect(registered.headers['content-type']).toBe('application/json')
    expect([started.type, started.data.sessionId]).toEqual(['session.started', sessionId])
    for (const text of [email, 'Ada', '127.0.0.1']) expect(registered.body + started.body).not.toContain(text)
    expect(isSigned({ ...registered, body: `${registered.body} ` }, secret)).toBe(false)
    expect(registered.id).not.toBe(started.id)
  })

  test('of every kind arrives at a webhook for all, wherever in the code it was recorded', async () => {
    const { arrived } = await newWebhook()
    const account = await signUp(service)
    await login(service, { identifier: account.email, password: 'wrong' })
    await send(`mutation { updateProfile(input: { displayName: "Ada" }) { id } }`, {}, account)
    await signIn(service, account.email)
    await send(`mutation { revokeAllSessions }`, {}, await signIn(service, account.email))
    await service.send(DeleteAccount, {}, as(await signIn(service, account.email)))
    await deliverAll()
    const recorded = (await auditOf(service, account.id)).map(({ id }) => id)
    expect(recorded.length).toBeGreaterThan(7)
    const events = arrived().filter(({ data }) => data.subjectId === account.id)
    expect(events.map(({ data }) => data.eventId)).toEqual(recorded)
    expect(events.at(-1)?.type).toBe('user.deleted')
  })

  test('that was rolled back, or that the webhook did not ask for, is not sent', async () => {
    const { arrived } = await newWebhook(['user.registered'])
    const { email, id } = await signUp(service)
    expect(codes(await register(service, { email }))).toEqual(['EMAIL_TAKEN'])
    const at = service.clock.now()
    const rolledBack = service.app.db.$transaction(async tx => {
      await record(tx, NO_REQUEST, { action: 'user.registered', at, subjectId: id })
      throw new Error('rolled back')
    })
    await expect(rolledBack).rejects.toThrow('rolled back')
    await signIn(service, email)
    await deliverAll()
    expect(arrived().map(({ type, data }) => [type, data.subjectId])).toEqual([['user.registered', id]])
  })

  test('is queued in the transaction that causes it, so a server that dies right after loses nothing', async () => {
    const { id: webhookId } = await newWebhook(['user.registered'])
    receiver.answer(() => 500)
    const at = service.clock.now()
    await service.app.db.$transaction(async tx => {
      await record(tx, NO_REQUEST, { action: 'user.registered', at })
      expect(await tx.webhookDelivery.count({ where: { webhookId } })).toBe(1)
    })
    expect(await queued({ webhookId })).toBe(1)
    service.logged.splice(0)
  })

  test('that is refused is sent again with the same webhook-id, until it is accepted', async () => {
    const { arrived } = await newWebhook(['user.registered'])
    let refusals = 2
    receiver.answer(() => (refusals-- > 0 ? 503 : 200))
    await signUp(service)
    await until(() => arrived().length === 1)
    service.clock.advance(6)
    await until(() => arrived().length === 2)
    service.clock.advance(61)
    await deliverAll()
    expect(new Set(arrived().map(({ id }) => id)).size).toBe(1)
    expect(new Set(arrived().map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
    expect(arrived()).toHaveLength(3)
    expect(service.logged.splice(0).join()).toContain('status 503')
  })

  test('that a dead process had claimed is sent by another one, with the same webhook-id', async () => {
    const { id: webhookId, arrived } = await newWebhook(['user.registered'])
    const claimedUntil = new Date(service.clock.now().getTime() + 120_000)
    await service.app.db.$transaction(async tx => {
      await record(tx, NO_REQUEST, { action: 'user.registered', at: service.clock.now() })
      await tx.webhookDelivery.updateMany({ data: { attempts: 1, nextAttemptAt: claimedUntil } })
    })
    const [delivery] = await service.app.db.webhookDelivery.findMany({ where: { webhookId } })
    await deliverWebhooks(service.app)
    expect(arrived()).toEqual([])
    service.clock.advance(121)
    await deliverAll()
    expect(arrived().map(({ id }) => id)).toEqual([delivery?.id])
  })
})

describe('the order', () => {
  test('of one account is kept while an event is refused, and other accounts go on', async () => {
    const { arrived } = await newWebhook(['user.registered', 'session.started', 'session.ended'])
    const poison = await signUp(service)
    await deliverAll()
    receiver.received.length = 0
    receiver.answer(({ data, type }) =>
      type === 'session.started' && data.subjectId === poison.id && arrived().length < 4 ? 500 : 200,
    )
    const session = await signIn(service, poison.email)
    await service.send(Logout, {}, as(session))
    const other = await signUp(service)
    const of = (id: string) => arrived().filter(({ data }) => data.subjectId === id)
    await until(() => of(other.id).length === 2)
    expect(of(other.id).map(({ type }) => type)).toEqual(['user.registered', 'session.started'])
    expect(new Set(of(poison.id).map(({ type }) => type))).toEqual(new Set(['session.started']))
    await eventually(async () => {
      service.clock.advance(10)
      await deliverWebhooks(service.app)
      return (await queued()) === 0
    })
    const types = of(poison.id).map(({ type }) => type)
    expect(types.at(-1)).toBe('session.ended')
    expect(types.indexOf('session.ended')).toBe(types.length - 1)
    service.logged.splice(0)
  })

  test('holds, and each event arrives once, however many replicas deliver at the same time', async () => {
    const { arrived } = await newWebhook()
    receiver.answer(async () => {
      await new Promise(setImmediate)
      return 204
    })
    const subjects = Array.from({ length: 8 }, () => randomUUID())
    const at = service.clock.now()
    const actions = ['user.registered', 'session.started', 'session.ended', 'user.exported'] as const
    for (const action of actions) {
      await record(service.app.db, NO_REQUEST, ...subjects.map(subjectId => ({ action, at, subjectId })))
    }
    await eventually(async () => {
      await Promise.all(Array.from({ length: 6 }, () => deliverWebhooks(service.app)))
      return (await queued()) === 0
    })
    for (const subjectId of subjects) {
      const types = arrived().filter(({ data }) => data.subjectId === subjectId)
      expect(types.map(({ type }) => type)).toEqual(actions)
    }
  })
})

describe('the next event of an account is not delayed', () => {
  type Statement = pg.QueryConfig & pg.Submittable
  type Done = (error: Error | null, result?: unknown) => void

  /** A replica whose first claim runs through `claim`. */
  function replica(claim: (statement: Statement) => Promise<unknown>): App {
    const { pool } = service.app
    let claims = 0
    const query = (given: Statement, done: Done) =>
      given.name === 'webhook-claim' && claims++ === 0
        ? void claim(given).then(result => done(null, result), done)
        : (pool.query as (given: Statement, done: Done) => unknown).call(pool, given, done)
    return { ...service.app, pool: { query } as unknown as pg.Pool }
  }
  const event = (action: AuditAction, subjectId: string) => ({
    action,
    at: service.clock.now(),
    subjectId,
  })

  test('if a replica postpones it while another one delivers the event before', async () => {
    const { arrived } = await newWebhook(['user.registered', 'session.started'])
    const subjectId = randomUUID()
    let accept = (_status: number) => {}
    const answered = new Promise<number>(resolve => {
      accept = resolve
    })
    receiver.answer(({ type }) => (type === 'user.registered' ? answered : 204))
    await record(service.app.db, NO_REQUEST, event('user.registered', subjectId))
    // The service itself delivers it, and as long as it waits for the answer, it claims nothing else.
    await eventually(() => arrived().length === 1)
    await record(service.app.db, NO_REQUEST, event('session.started', subjectId))
    const { pool } = service.app
    const blocked = async () => {
      const waiting = await pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return waiting.rows.length > 0 || (await queued({ event: 'user.registered' })) === 0
    }
    const other = replica(claim =>
      inTransaction(pool, async connection => {
        const result = await new Promise((resolve, reject) => {
          const run = connection.query as (given: Statement, done: Done) => unknown
          run.call(connection, claim, (error, rows) => (error ? reject(error) : resolve(rows)))
        })
        accept(204)
        await eventually(blocked)
        return result
      }),
    )
    await deliverWebhooks(other)
    await eventually(() => arrived().length === 2)
    expect(arrived().map(({ type }) => type)).toEqual(['user.registered', 'session.started'])
  })

  test('if a replica postpones it by what it saw before the other one delivered that event', async () => {
    const { arrived } = await newWebhook(['session.started'])
    const subjectId = randomUUID()
    const other = replica(async () => {
      const rows = await service.app.db.$transaction(async tx => {
        await record(tx, NO_REQUEST, event('session.started', subjectId))
        const nextAttemptAt = addSeconds(service.clock.now(), 120)
        return tx.webhookDelivery.updateManyAndReturn({ where: { subjectId }, data: { nextAttemptAt } })
      })
      return {
        rows: rows.map(({ id, event, eventId, at, actorId, subjectId, ids, attempts }) => [
          ...[id, event, eventId, at, actorId, subjectId, ids, attempts],
          false,
        ]),
      }
    })
    // Nothing else is due yet.
    await record(service.app.db, NO_REQUEST, event('session.started', randomUUID()))
    await deliverWebhooks(other)
    await eventually(() => arrived().some(({ data }) => data.subjectId === subjectId))
  })
})

test('the metrics have the outcomes of deliveries, and how many events wait for how long', async () => {
  const sample = async (name: string) => {
    const text = await (await fetch(`${service.url}/metrics`)).text()
    return Number(
      text
        .split('\n')
        .find(line => line.startsWith(`${name} `))
        ?.split(' ')
        .at(-1),
    )
  }
  const outcome = (name: string) => sample(`authograph_webhook_deliveries_total{outcome="${name}"}`)
  const before = { delivered: await outcome('delivered'), refused: await outcome('refused') }
  const { arrived } = await newWebhook(['user.exported'])
  let status = 500
  receiver.answer(() => status)
  const at = addSeconds(service.clock.now(), -30)
  await record(service.app.db, NO_REQUEST, { action: 'user.exported', at, subjectId: randomUUID() })
  await until(() => arrived().length === 1)
  await eventually(async () => (await outcome('refused')) === before.refused + 1)
  await measureQueue(service.app)
  expect(await sample('authograph_webhook_events{status="queued"}')).toBe(1)
  expect(await sample('authograph_webhook_oldest_event_seconds')).toBeGreaterThanOrEqual(30)
  status = 200
  service.clock.advance(6)
  await deliverAll()
  await eventually(async () => (await outcome('delivered')) === before.delivered + 1)
  await measureQueue(service.app)
  expect(await sample('authograph_webhook_events{status="queued"}')).toBe(0)
  expect(await sample('authograph_webhook_oldest_event_seconds')).toBe(0)
  service.logged.splice(0)
})

describe('a webhook that does not answer', () => {
  test('is tried ten times over three days; then the failure is on record, and can be sent again', async () => {
    const { id: webhookId, arrived } = await newWebhook(['user.registered', 'user.exported'])
    let accepts = false
    receiver.answer(({ type }) => (accepts || type === 'user.exported' ? 200 : 500))
    const subjectId = randomUUID()
    const started = service.clock.now()
    await record(service.app.db, NO_REQUEST, { action: 'user.registered', at: started, subjectId })
    await record(service.app.db, NO_REQUEST, { action: 'user.exported', at: started, subjectId })
    await eventually(async () => {
      service.clock.advance(1800)
      await deliverWebhooks(service.app)
      return (await queued()) === 0
    }, 30)
    const days = (service.clock.now().getTime() - started.getTime()) / DAY / 1000
    expect([days > 2.5, days < 4]).toEqual([true, true])
    const attempts = arrived().filter(({ type }) => type === 'user.registered')
    expect(attempts).toHaveLength(10)
    // What waited behind it goes on.
    expect(arrived().at(-1)?.type).toBe('user.exported')
    admin = await signIn(service, admin.email)
    const [failure] = (await auditOf(service, subjectId)).slice(-1)
    expect(failure).toMatchObject({
      action: 'webhook.delivery_failed',
      detail: { webhookId, deliveryId: attempts[0]?.id, event: 'user.registered', reason: 'status 500' },
    })
    const list = `{ failedWebhookDeliveries(first: 5) { totalCount nodes { id webhookId event attempts lastError createdAt } } }`
    const { data } = await send<{ failedWebhookDeliveries: object }>(list)
    expect(data?.failedWebhookDeliveries).toEqual({
      totalCount: 1,
      nodes: [
        {
          id: attempts[0]?.id,
          webhookId,
          event: 'user.registered',
          attempts: 10,
          lastError: 'status 500',
          createdAt: started.toISOString(),
        },
      ],
    })
    accepts = true
    const again = `mutation ($id: ID!) { retryWebhookDelivery(id: $id) { id attempts } }`
    const id = attempts[0]?.id
    expect((await send(again, { id })).data).toEqual({ retryWebhookDelivery: { id, attempts: 0 } })
    expect(codes(await send(again, { id }))).toEqual(['NOT_FOUND'])
    await deliverAll()
    expect(arrived().at(-1)).toMatchObject({ id, type: 'user.registered' })
    service.logged.splice(0)
  }, 60_000)

  test('is left alone for a while after several failures, and does not delay another', async () => {
    const down = await newWebhook(['user.exported'])
    const up = await newWebhook(['user.exported'])
    let isDown = true
    receiver.answer(({ path }) => (isDown && path === down.path ? 500 : 200))
    const at = service.clock.now()
    const events = Array.from(
      { length: 60 },
      () => ({ action: 'user.exported', at, subjectId: randomUUID() }) as const,
    )
    await record(service.app.db, NO_REQUEST, ...events)
    await until(() => up.arrived().length === 60)
    // One batch, before anyone knew.
    const first = down.arrived().length
    expect(first).toBeLessThanOrEqual(40)
    for (let run = 0; run < 5; run++) await deliverWebhooks(service.app)
    expect(down.arrived()).toHaveLength(first)
    isDown = false
    await eventually(async () => {
      service.clock.advance(1800)
      await deliverWebhooks(service.app)
      return (await queued()) === 0
    })
    expect(new Set(down.arrived().map(({ id }) => id)).size).toBe(60)
    service.logged.splice(0)
  })

  test('that redirects is not followed', async () => {
    const { arrived } = await newWebhook(['user.registered'])
    receiver.answer(() => 307)
    await signUp(service)
    await until(() => arrived().length === 1)
    await until(
      async () => (await service.app.db.webhookDelivery.count({ where: { lastError: 'status 307' } })) === 1,
    )
    expect(receiver.to('/elsewhere')).toEqual([])
    service.logged.splice(0)
  })
})

describe('private addresses', () => {
  const sending: PostOptions = { headers: {}, body: '{}', timeoutMs: 2000, networks: [] }
  const resolving = (...answers: string[][]) => {
    let question = 0
    return (_name: string, _options: object, done: (error: null, addresses: LookupAddress[]) => void) => {
      const addresses = answers[Math.min(question++, answers.length - 1)] ?? []
      done(
        null,
        addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
  }

  test.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::a00:1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://10.1.2.3/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    // Public, but without TLS.
    'http://93.184.215.14/',
  ])('%s is refused', async url => {
    await expect(post(url, sending)).rejects.toThrow('private address')
  })

  test('are refused when the connection is opened: a name that resolves to another address by then reaches nothing', async () => {
    const url = receiver.at('/rebound').replace('127.0.0.1', 'rebind.example.com').replace('http:', 'https:')
    const resolve = resolving(['93.184.215.14'], ['127.0.0.1'])
    // What was resolved earlier, such as when the webhook was created, does not count.
    resolve('rebind.example.com', {}, () => {})
    await expect(post(url, { ...sending, resolve })).rejects.toThrow('private address')
    await expect(post(url, { ...sending, resolve: resolving(['127.0.0.1', '::1']) })).rejects.toThrow(
      'private address',
    )
    expect(receiver.to('/rebound')).toEqual([])
  })

  test('can be reached in the networks that the operator lists', async () => {
    const url = receiver.at('/listed').replace('127.0.0.1', 'internal.example.com')
    const resolve = resolving(['10.0.0.1', '127.0.0.1'])
    await post(url, { ...sending, resolve, networks: ['127.0.0.0/8'] })
    expect(receiver.to('/listed')).toHaveLength(1)
  })

  test('a receiver that never answers costs the time limit, and a failure says nothing that it sent', async () => {
    receiver.answer(() => undefined)
    const options = { ...sending, timeoutMs: 50, networks: ['127.0.0.0/8'] }
    await expect(post(receiver.at('/silent'), options)).rejects.toThrow('timeout')
    receiver.answer(() => [500, 'secret'])
    await expect(post(receiver.at('/loud'), { ...options, timeoutMs: 2000 })).rejects.toThrow(/^status 500$/)
  })
})

describe('managing webhooks', () => {
  const LIST = '{ webhooks { id url events enabled } }'
  const UPDATE = `mutation ($id: ID!, $input: WebhookInput!) { updateWebhook(id: $id, input: $input) { id url events enabled } }`
  const ROTATE = `mutation ($id: ID!) { rotateWebhookSecret(id: $id) { webhook { id } secret } }`
  const DELETE = `mutation ($id: ID!) { deleteWebhook(id: $id) }`
  const RETRY = `mutation ($id: ID!) { retryWebhookDelivery(id: $id) { id } }`

  test('is on record with the host alone, and the secret is nowhere in the database', async () => {
    const { id, secret } = await newWebhook(['user.registered'], {
      url: 'https://example.com/hook?key=canary-key',
    })
    await send(UPDATE, { id, input: { url: 'https://example.org/', events: ['*', 'user.deleted'] } })
    const { data } = await send<{ rotateWebhookSecret: { secret: string } }>(ROTATE, { id })
    expect((await send<{ webhooks: object[] }>(LIST)).data?.webhooks).toEqual([
      { id, url: 'https://example.org/', events: ['*'], enabled: true },
    ])
    await send(DELETE, { id })
    expect((await send<{ webhooks: object[] }>(LIST)).data?.webhooks).toEqual([])
    const events = await service.app.db.auditEvent.findMany({
      where: { actorId: admin.id, action: { startsWith: 'webhook.' } },
      orderBy: { id: 'asc' },
    })
    expect(events.map(({ action, detail }) => [action, detail])).toEqual([
      [
        'webhook.created',
        { webhookId: id, after: { host: 'example.com', events: ['user.registered'], enabled: 'on' } },
      ],
      [
        'webhook.updated',
        {
          webhookId: id,
          before: { host: 'example.com', events: ['user.registered'] },
          after: { host: 'example.org', events: ['*'] },
        },
      ],
      ['webhook.secret_rotated', { webhookId: id }],
      ['webhook.deleted', { webhookId: id, before: { host: 'example.org', events: ['*'], enabled: 'on' } }],
    ])
    const { rows } = await service.app.pool.query<{ dump: string }>(
      `SELECT coalesce((SELECT string_agg(w::text, '') FROM webhooks w), '')
        || (SELECT string_agg(e::text, '') FROM audit_events e) AS dump`,
    )
    const written = `${rows[0]?.dump} ${service.logged.join()}`
    for (const text of [secret, secret.slice(6), data?.rotateWebhookSecret.secret ?? '?', 'canary-key'])
      expect(written).not.toContain(text)
  })

  test.each([
    ['not an address', { url: 'nowhere' }, 'input.url'],
    ['another scheme', { url: 'ftp://example.com/' }, 'input.url'],
    ['a password', { url: 'https://ada:secret@example.com/' }, 'input.url'],
    ['a fragment', { url: 'https://example.com/#here' }, 'input.url'],
    ['a private address', { url: 'https://10.0.0.1/' }, 'input.url'],
    ['too long an address', { url: `https://example.com/${'x'.repeat(2000)}` }, 'input.url'],
    ['an unknown event', { events: ['user.vanished'] }, 'input.events.0'],
    ['the failure of a delivery', { events: ['webhook.delivery_failed'] }, 'input.events.0'],
    ['no event', { events: [] }, 'input.events'],
  ])('%s is BAD_USER_INPUT and changes nothing', async (_what, fields, path) => {
    const { id } = await newWebhook()
    const input = { url: 'https://example.com/', events: ['*'], ...fields }
    for (const [text, variables] of [
      [CREATE, { input }],
      [UPDATE, { id, input }],
    ] as const) {
      const reply = await send(text, variables)
      expect(codes(reply)).toEqual(['BAD_USER_INPUT'])
      expect(Object.keys(reply.errors[0]?.extensions.fields ?? {})).toEqual([path])
    }
    expect(await service.app.db.webhook.count()).toBe(1)
  })

  test('requires webhooks:write, and an ID that exists', async () => {
    const { id, url } = await newWebhook()
    const stranger = await signUp(service)
    const input = { url, events: ['*'] }
    for (const [text, variables] of [
      [LIST, {}],
      ['{ failedWebhookDeliveries { totalCount } }', {}],
      [CREATE, { input }],
      [UPDATE, { id, input }],
      [ROTATE, { id }],
      [DELETE, { id }],
      [RETRY, { id }],
    ] as const)
      expect([text, ...codes(await send(text, variables, stranger))]).toEqual([text, 'FORBIDDEN'])
    for (const missing of [randomUUID(), 'nothing'])
      for (const text of [UPDATE, ROTATE, DELETE, RETRY])
        expect([text, ...codes(await send(text, { id: missing, input }))]).toEqual([text, 'NOT_FOUND'])
    expect(await service.app.db.webhook.count({ where: { id } })).toBe(1)
  })

  test('8 that are created in parallel, where there is room for 3, leave 20', async () => {
    const input = { url: 'https://example.com/', events: ['user.registered'] }
    const row = { ...input, enabled: true, createdAt: service.clock.now() }
    await service.app.db.webhook.createMany({ data: Array.from({ length: 17 }, () => row) })
    const replies = await Promise.all(Array.from({ length: 8 }, () => send(CREATE, { input })))
    const refused = replies.flatMap(codes)
    expect(refused).toEqual(Array.from({ length: 5 }, () => 'CONFLICT'))
    expect(await service.app.db.webhook.count()).toBe(20)
  })

  test('after a rotation, both secrets sign for 24 hours, and then the new one alone', async () => {
    const { id, secret, arrived } = await newWebhook(['user.registered'])
    const { data } = await send<{ rotateWebhookSecret: { secret: string } }>(ROTATE, { id })
    const renewed = data?.rotateWebhookSecret.secret ?? ''
    await signUp(service)
    await deliverAll()
    const [message] = arrived()
    if (!message) throw new Error('nothing arrived')
    expect([isSigned(message, secret), isSigned(message, renewed)]).toEqual([true, true])
    service.clock.advance(DAY + 1)
    await signUp(service)
    await deliverAll()
    const later = arrived().at(-1)
    if (!later) throw new Error('nothing arrived')
    expect([isSigned(later, secret), isSigned(later, renewed)]).toEqual([false, true])
    await prune(service.app)
    expect(await service.app.db.webhook.findFirst({ where: { id } })).toMatchObject({
      sealedFormerSecret: null,
    })
  })

  test('a disabled webhook receives nothing, and what was queued for it waits until it is enabled', async () => {
    const { id, url, arrived } = await newWebhook(['user.exported'])
    const input = { url, events: ['user.exported'] }
    const at = service.clock.now()
    await service.app.db.$transaction(async tx => {
      await record(tx, NO_REQUEST, { action: 'user.exported', at })
      await tx.webhook.update({ where: { id }, data: { enabled: false } })
    })
    await record(service.app.db, NO_REQUEST, { action: 'user.exported', at })
    await deliverWebhooks(service.app)
    expect([arrived().length, await queued()]).toEqual([0, 1])
    await service.app.db.webhookDelivery.updateMany({ data: { status: 'failed' } })
    const [failed] = await service.app.db.webhookDelivery.findMany()
    expect(codes(await send(RETRY, { id: failed?.id }))).toEqual(['CONFLICT'])
    await send(UPDATE, { id, input })
    await send(RETRY, { id: failed?.id })
    await deliverAll()
    expect(arrived()).toHaveLength(1)
  })

  test('deleting a webhook fails no sign-in that happens at the same time, and its deliveries are deleted later', async () => {
    const { id } = await newWebhook(['user.registered'])
    receiver.answer(() => 500)
    const [, ...others] = await Promise.all([
      send(DELETE, { id }),
      ...Array.from({ length: 5 }, () => register(service)),
    ])
    expect(others.flatMap(codes)).toEqual([])
    await record(service.app.db, NO_REQUEST, { action: 'user.exported', at: service.clock.now() })
    await prune(service.app)
    expect(await service.app.db.webhookDelivery.count()).toBe(0)
    service.logged.splice(0)
  })

  test('pruning gives up what has waited for a week, and deletes failures 30 days after that', async () => {
    const { id } = await newWebhook(['user.exported'])
    await service.app.db.$transaction(async tx => {
      await record(tx, NO_REQUEST, { action: 'user.exported', at: service.clock.now() })
      await tx.webhook.update({ where: { id }, data: { enabled: false } })
    })
    const state = async () => (await service.app.db.webhookDelivery.findMany())[0]
    service.clock.advance(7 * DAY - 60)
    await prune(service.app)
    expect(await state()).toMatchObject({ status: 'queued' })
    service.clock.advance(120)
    await prune(service.app)
    expect(await state()).toMatchObject({ status: 'failed', lastError: 'expired' })
    service.clock.advance(30 * DAY - 120)
    await prune(service.app)
    expect(await state()).toBeDefined()
    service.clock.advance(120)
    await prune(service.app)
    expect(await state()).toBeUndefined()
  })
})

test('onEvent is called after the commit, again with the same ID if it throws, and by one of several replicas', async () => {
  const calls: ServerEvent[] = []
  let failures = 1
  const onEvent = (event: ServerEvent) => {
    calls.push(event)
    if (event.type === 'user.registered' && failures-- > 0) throw new Error('not now')
  }
  const databaseUrl = service.app.config.database.url ?? ''
  const options = { databaseUrl, clock: service.clock, server: { onEvent } }
  const [one, two] = [await startService(options), await startService(options)]
  try {
    const { id } = await signUp(one)
    await eventually(async () => {
      service.clock.advance(10)
      await Promise.all([deliverWebhooks(one.app), deliverWebhooks(two.app), deliverWebhooks(service.app)])
      return (await queued()) === 0
    })
    const mine = calls.filter(({ data }) => data.subjectId === id)
    expect(mine.map(({ type }) => type)).toEqual(['user.registered', 'user.registered', 'session.started'])
    expect(mine[0]).toEqual(mine[1])
    expect(mine[0]).toMatchObject({ timestamp: expect.any(Date), data: { actorId: id } })
    expect((await send<{ webhooks: object[] }>('{ webhooks { id } }')).data?.webhooks).toEqual([])
    expect([...one.logged.splice(0), ...two.logged.splice(0)].join()).toContain('not now')
  } finally {
    await Promise.all([one.close(), two.close()])
  }
  // The program that started last has no such function.
  const without = await startService({ databaseUrl, clock: service.clock })
  await signUp(without)
  await without.close()
  expect(await queued()).toBe(0)
})
