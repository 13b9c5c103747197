import { randomUUID } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { type AuditEntry, record } from '../../../src/audit/record.ts'
import { cursorOf } from '../../../src/pagination.ts'
import type { AuditLogQuery, AuditLogQueryVariables } from '../../generated/graphql.ts'
import { newAddress, PASSWORD, type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import {
  AuditLog,
  DisableUser,
  Login,
  Reauthenticate,
  RotateSigningKey,
  SetUserRoles,
  UpdateProfile,
  UpdateUser,
} from '../../support/operations.ts'
import { patiently } from '../../support/patient.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService()

type Connection = AuditLogQuery['auditLog']

const ask = (variables: Record<string, unknown>, { accessToken: token }: SignedIn) =>
  service.send(AuditLog as DocumentNode, variables, { token })

async function read(variables: AuditLogQueryVariables, reader: SignedIn): Promise<Connection> {
  const { data, errors } = await service.send(AuditLog, variables, { token: reader.accessToken })
  expect(errors).toEqual([])
  if (!data) throw new Error('no audit log')
  return data.auditLog
}

const NO_REQUEST = { ipAddress: undefined, userAgent: undefined }

/** Records events about a new subject, one second apart, and returns their IDs, newest first. */
async function write(subjectId: string, count: number, change: Partial<AuditEntry> = {}): Promise<string[]> {
  const from = service.clock.now().getTime()
  for (let i = 0; i < count; i++) {
    const at = new Date(from + i * 1000)
    await record(service.app.db, NO_REQUEST, { action: 'session.denied', at, subjectId, ...change })
  }
  service.clock.advance(count)
  return idsOf(subjectId)
}

/** The IDs of the events about a subject in the order of the log, read directly from the database. */
async function idsOf(subjectId: string): Promise<string[]> {
  const { rows } = await service.app.pool.query<{ id: string }>(
    'SELECT id FROM audit_events WHERE subject_id = $1 ORDER BY at DESC, id DESC',
    [subjectId],
  )
  return rows.map(row => row.id)
}

const ids = ({ nodes }: Connection) => nodes.map(node => node.id)

describe('access to the audit log', () => {
  test('reading the audit log requires a session and the permission audit:read', async () => {
    const user = await signUp(service)
    expect(codes(await service.send(AuditLog))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await ask({}, user))).toEqual(['FORBIDDEN'])
  })

  test('support and administrators read the audit log', async () => {
    for (const role of ['support', 'admin']) {
      const { totalCount } = await read({}, await signUpWith(service, role))
      expect(totalCount).toBe(await service.app.db.auditEvent.count())
    }
  })
})

describe('an export', () => {
  const LISTS = [
    [
      'users.exported',
      'query ($filter: UserFilter) { users(first: 1, filter: $filter, export: true) { nodes { id } } }',
    ],
    [
      'audit.exported',
      'query ($filter: AuditFilter) { auditLog(first: 1, filter: $filter, export: true) { nodes { id } } }',
    ],
  ] as const
  const exportsOf = ({ id: actorId }: SignedIn) =>
    service.app.db.auditEvent.findMany({
      where: { actorId, action: { endsWith: '.exported' } },
      orderBy: { id: 'asc' },
    })

  test('is recorded with what it selects, without addresses and names that were searched for', async () => {
    const reader = await signUpWith(service, 'support')
    const [users, log] = LISTS
    const filters = [
      [users[1], { search: 'ada@example.com', role: 'user', disabled: false }],
      [log[1], { action: 'session.started', ipAddress: '192.0.2.7', after: '2026-11-20T00:00:00.000Z' }],
      [users[1], undefined],
    ] as const
    for (const [document, filter] of filters)
      expect(codes(await service.send(document, { filter }, { token: reader.accessToken }))).toEqual([])
    expect(await exportsOf(reader)).toMatchObject([
      {
        action: 'users.exported',
        subjectId: null,
        ipAddress: '127.0.0.1',
        detail: { filter: { search: true, role: 'user', disabled: false } },
      },
      {
        action: 'audit.exported',
        detail: {
          filter: { action: 'session.started', ipAddress: true, after: '2026-11-20T00:00:00.000Z' },
        },
      },
      { action: 'users.exported', detail: { filter: {} } },
    ])
  })

  test.each(LISTS)('that is refused is not recorded: %s', async (_action, document) => {
    const user = await signUp(service)
    expect(codes(await service.send(document))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await service.send(document, {}, { token: user.accessToken }))).toEqual(['FORBIDDEN'])
    const reader = await signUpWith(service, 'support')
    const wrong = document.replace('first: 1,', 'first: 1000,')
    expect(codes(await service.send(wrong, {}, { token: reader.accessToken }))).toEqual(['BAD_USER_INPUT'])
    expect([...(await exportsOf(user)), ...(await exportsOf(reader))]).toEqual([])
  })

  test('is not what reading a page is', async () => {
    const reader = await signUpWith(service, 'support')
    await read({ first: 1 }, reader)
    expect(await exportsOf(reader)).toEqual([])
  })
})

describe('an audit event', () => {
  test('an event shows the action, time, subject, actor and origin', async () => {
    const admin = await signUpWith(service, 'admin')
    const subject = await signUp(service, { username: 'the_subject' })
    await service.send(
      SetUserRoles,
      { id: subject.id, roles: ['support'] },
      { token: admin.accessToken, headers: { 'user-agent': 'curl/8' } },
    )
    const { nodes } = await read({ filter: { subjectId: subject.id }, first: 1 }, admin)
    expect(nodes).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        action: 'user.roles_changed',
        actor: { id: admin.id, email: admin.email },
        subject: { id: subject.id, username: 'the_subject' },
        ipAddress: '127.0.0.1',
        userAgent: 'curl/8',
        detail: expect.any(String),
      },
    ])
    expect(JSON.parse(nodes[0]?.detail ?? '')).toEqual({ before: ['user'], after: ['support'] })
  })

  test('an event has no actor or subject if there was none or the account was deleted', async () => {
    const support = await signUpWith(service, 'support')
    const gone = await signUp(service)
    await service.send(UpdateProfile, { input: { displayName: 'Ada' } }, { token: gone.accessToken })
    await service.app.db.user.delete({ where: { id: gone.id } })
    const { nodes } = await read({ filter: { subjectId: gone.id }, first: 1 }, support)
    expect(nodes).toMatchObject([{ action: 'user.profile_updated', actor: null, subject: null }])

    await service.send(Login, { input: { identifier: 'unknown@example.com', password: PASSWORD } })
    const denied = await read({ filter: { action: 'session.denied' }, first: 1 }, support)
    expect(denied.nodes).toMatchObject([{ actor: null, subject: null, ipAddress: '127.0.0.1' }])
  })
})

test('the detail of an event hides email addresses from readers without users:read', async () => {
  const [admin, subject] = [await signUpWith(service, 'admin'), await signUp(service)]
  const email = newAddress()
  const token = admin.accessToken
  await service.send(UpdateUser, { id: subject.id, input: { email } }, { token })
  await service.send(
    DisableUser,
    { id: subject.id, reason: `Now "${email}", see ${admin.email}.` },
    { token },
  )
  await service.app.db.role.create({ data: { name: 'auditor', permissions: ['audit:read'] } })
  const about = { filter: { subjectId: subject.id }, first: 100 }
  const details = async (reader: SignedIn) => {
    const { nodes } = await service
      .send<AuditLogQuery, typeof about>(
        'query ($filter: AuditFilter, $first: Int) { auditLog(filter: $filter, first: $first) { nodes { action detail } } }',
        about,
        { token: reader.accessToken },
      )
      .then(({ data }) => data?.auditLog ?? { nodes: [] })
    return nodes.map(({ detail }) => JSON.parse(detail ?? '{}') as Record<string, unknown>)
  }
  const [shown, hidden] = [await details(admin), await details(await signUpWith(service, 'auditor'))]
  expect(JSON.stringify(shown)).toContain(subject.email)
  expect(JSON.stringify(shown)).toContain(admin.email)
  expect(JSON.stringify(hidden)).not.toContain('example.com')
  expect(hidden).toHaveLength(shown.length)
  expect(hidden).toContainEqual(
    expect.objectContaining({ before: { email: '…@…' }, after: { email: '…@…' } }),
  )
})

describe('filtering events', () => {
  const page = async (filter: AuditLogQueryVariables['filter']) => {
    const reader = await signUpWith(service, 'support')
    return read({ filter, first: 100 }, reader)
  }

  test('filters select by action, actor and subject, and all given conditions apply', async () => {
    const [actorId, subjectId] = [randomUUID(), randomUUID()]
    const [rotated] = await write(subjectId, 1, { action: 'key.rotated', actorId })
    const [byActor] = await write(subjectId, 1, { actorId })
    const [other] = await write(subjectId, 1)
    expect(ids(await page({ subjectId }))).toEqual([other, byActor, rotated])
    expect(ids(await page({ actorId }))).toEqual([byActor, rotated])
    expect(ids(await page({ subjectId, action: 'key.rotated' }))).toEqual([rotated])
    const both = await page({ actorId, subjectId, action: 'session.denied' })
    expect(ids(both)).toEqual([byActor])
    expect(both.totalCount).toBe(1)
    expect((await page({ actorId, action: 'user.created' })).totalCount).toBe(0)
  })

  test('a filter by IP address finds the events from there, in any spelling of the address', async () => {
    const subjectId = randomUUID()
    const from = async (ipAddress: string, action: AuditEntry['action'] = 'session.denied') => {
      const origin = { ipAddress, userAgent: undefined }
      await record(service.app.db, origin, { action, at: service.clock.now(), subjectId })
      return (await idsOf(subjectId))[0]
    }
    const six = await from('2001:db8::1')
    const [four, started] = [await from('203.0.113.9'), await from('203.0.113.9', 'session.started')]
    expect(ids(await page({ ipAddress: '203.0.113.9', subjectId })).sort()).toEqual([four, started].sort())
    expect(ids(await page({ ipAddress: '203.0.113.9', action: 'session.started' }))).toEqual([started])
    for (const ipAddress of ['2001:db8::1', '2001:DB8:0:0:0:0:0:1', ' 2001:db8::1 '])
      expect(ids(await page({ ipAddress }))).toEqual([six])
    expect(ids(await page({ ipAddress: '::ffff:203.0.113.9', subjectId }))).toHaveLength(2)
    expect((await page({ ipAddress: '203.0.113.10' })).totalCount).toBe(0)
  })

  test('filters by time exclude the given moments', async () => {
    const subjectId = randomUUID()
    const all = await write(subjectId, 5)
    const times = (await page({ subjectId })).nodes.map(node => node.at)
    expect(ids(await page({ subjectId, after: times[3], before: times[0] }))).toEqual(all.slice(1, 3))
    expect(ids(await page({ subjectId, after: times[0] }))).toEqual([])
  })

  test('a filter of null returns all events', async () => {
    const { totalCount } = await page({
      action: null,
      actorId: null,
      subjectId: null,
      ipAddress: null,
      after: null,
      before: null,
    })
    expect(totalCount).toBe(await service.app.db.auditEvent.count())
  })

  test.each([
    [{ action: 'user.eaten' }, 'filter.action'],
    [{ action: '' }, 'filter.action'],
    [{ action: 'toString' }, 'filter.action'],
    [{ actorId: '' }, 'filter.actorId'],
    [{ actorId: '7' }, 'filter.actorId'],
    [{ subjectId: 'ada@example.com' }, 'filter.subjectId'],
    [{ ipAddress: '' }, 'filter.ipAddress'],
    [{ ipAddress: '7' }, 'filter.ipAddress'],
    [{ ipAddress: '203.0.113' }, 'filter.ipAddress'],
    [{ ipAddress: '203.0.113.0/24' }, 'filter.ipAddress'],
    [{ ipAddress: "' OR true --" }, 'filter.ipAddress'],
    [{ after: '0000-01-01T00:00:00Z' }, 'filter.after'],
    [{ before: '0000-12-31T23:59:59Z' }, 'filter.before'],
  ])('the filter %j is rejected', async (filter, field) => {
    const reply = await ask({ filter }, await signUpWith(service, 'support'))
    expect(Object.keys(refusedFields(reply))).toEqual([field])
  })
})

describe('pages of events', () => {
  test('a page has 20 events by default and at most 100', async () => {
    const [reader, subjectId] = [await signUpWith(service, 'support'), randomUUID()]
    const all = await write(subjectId, 101)
    const filter = { subjectId }
    expect(ids(await read({ filter }, reader))).toEqual(all.slice(0, 20))
    expect(ids(await read({ filter, first: 100 }, reader))).toEqual(all.slice(0, 100))
    const { nodes, edges, totalCount, pageInfo } = await read({ filter, last: 100 }, reader)
    expect(nodes.map(node => node.id)).toEqual(all.slice(1))
    expect(edges.map(edge => edge.node.id)).toEqual(all.slice(1))
    expect(totalCount).toBe(101)
    expect(pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: true,
      startCursor: edges[0]?.cursor,
      endCursor: edges[99]?.cursor,
    })
  })

  test('an empty page has no cursors', async () => {
    const reader = await signUpWith(service, 'support')
    expect(await read({ filter: { subjectId: randomUUID() } }, reader)).toEqual({
      totalCount: 0,
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      edges: [],
      nodes: [],
    })
  })

  /** Reads all pages of `size` events while new events arrive. */
  async function walk(forward: boolean, size: number, subjectId: string, reader: SignedIn) {
    const found: string[] = []
    let cursor: string | null | undefined
    for (let more = true; more; ) {
      const page = await read(
        {
          filter: { subjectId },
          ...(forward ? { first: size, after: cursor } : { last: size, before: cursor }),
        },
        reader,
      )
      const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo
      if (forward) found.push(...ids(page))
      else found.unshift(...ids(page))
      cursor = forward ? endCursor : startCursor
      more = forward ? hasNextPage : hasPreviousPage
      if (found.length < 12) await write(subjectId, 1)
    }
    return found
  }

  test.each([1, 3, 4, 12])(
    'pages of %i, read forward while events arrive, contain each event once',
    async size => {
      const [reader, subjectId] = [await signUpWith(service, 'support'), randomUUID()]
      const before = await write(subjectId, 12)
      expect(await walk(true, size, subjectId, reader)).toEqual(before)
    },
  )

  test.each([1, 3, 5])(
    'pages of %i, read backward while events arrive, contain each event once',
    async size => {
      const [reader, subjectId] = [await signUpWith(service, 'support'), randomUUID()]
      await write(subjectId, 12)
      const found = await walk(false, size, subjectId, reader)
      expect(found).toEqual(await idsOf(subjectId))
      expect(found.length).toBeGreaterThan(12)
    },
  )

  test('pages contain each event once even if several have the same time', async () => {
    const [reader, subjectId] = [await signUpWith(service, 'support'), randomUUID()]
    const all = await write(subjectId, 7, { at: service.clock.now() })
    expect(await walk(true, 2, subjectId, reader)).toEqual(all)
  })

  test('a page between two cursors contains the events between them', async () => {
    const [reader, subjectId] = [await signUpWith(service, 'support'), randomUUID()]
    const all = await write(subjectId, 9)
    const filter = { subjectId }
    const { edges } = await read({ filter }, reader)
    const range = { filter, after: edges[1]?.cursor, before: edges[7]?.cursor }
    expect(ids(await read({ ...range, first: 3 }, reader))).toEqual(all.slice(2, 5))
    expect(ids(await read({ ...range, last: 3 }, reader))).toEqual(all.slice(4, 7))
    expect(ids(await read(range, reader))).toEqual(all.slice(2, 7))
    expect((await read(range, reader)).totalCount).toBe(9)
  })

  const foreign = (...keys: string[]) => cursorOf(keys)
  test.each([
    [{ first: 0 }, 'first'],
    [{ first: -1 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ last: 0 }, 'last'],
    [{ last: 101 }, 'last'],
    [{ first: 1, last: 1 }, 'last'],
    [{ after: '' }, 'after'],
    [{ after: 'not a cursor' }, 'after'],
    [{ before: foreign('2026-01-01T00:00:00.000Z') }, 'before'],
    [{ before: foreign('2026-01-01T00:00:00.000Z', 'ada') }, 'before'],
    [{ after: foreign('yesterday', randomUUID()) }, 'after'],
    [{ after: foreign('1', randomUUID()) }, 'after'],
    [{ after: foreign('-100000-01-01T00:00:00.000Z', randomUUID()) }, 'after'],
    [{ after: foreign('+200000-01-01T00:00:00.000Z', randomUUID()) }, 'after'],
    [{ after: foreign('0000-01-01T00:00:00.000Z', randomUUID()) }, 'after'],
    [{ after: Buffer.from('{"at":1}').toString('base64url') }, 'after'],
    [{ after: Buffer.from('[1,2]').toString('base64url') }, 'after'],
  ])('the page %j is rejected', async (variables, field) => {
    const reply = await ask(variables, await signUpWith(service, 'support'))
    expect(Object.keys(refusedFields(reply))).toEqual([field])
  })
})

describe('recording refusals', () => {
  const denials = (actorId: string) =>
    service.app.db.auditEvent.findMany({
      where: { actorId, action: 'access.denied' },
      orderBy: { id: 'asc' },
    })

  test('denied access is recorded once a minute for each account and operation', async () => {
    const [user, other] = [await signUp(service), await signUp(service)]
    for (const _ of [1, 2, 3]) await ask({}, user)
    expect(await denials(user.id)).toMatchObject([
      { subjectId: null, ipAddress: '127.0.0.1', detail: { field: 'Query.auditLog' } },
    ])
    await service.send(RotateSigningKey, {}, { token: user.accessToken })
    await ask({}, other)
    expect(await denials(user.id)).toHaveLength(2)
    expect(await denials(other.id)).toHaveLength(1)
    service.clock.advance(40)
    await ask({}, user)
    expect(await denials(user.id)).toHaveLength(2)
    service.clock.advance(21)
    await ask({}, user)
    await ask({}, user)
    expect((await denials(user.id)).map(event => event.detail)).toEqual(
      ['Query.auditLog', 'Mutation.rotateSigningKey', 'Query.auditLog'].map(field => ({ field })),
    )
  })

  test('denied access is recorded if a role has permissions that the caller lacks', async () => {
    await service.app.db.role.create({ data: { name: 'giver', permissions: ['roles:write'] } })
    const [giver, subject] = [await signUpWith(service, 'giver'), await signUp(service)]
    const reply = await service.send(
      SetUserRoles,
      { id: subject.id, roles: ['admin'] },
      { token: giver.accessToken },
    )
    expect(codes(reply)).toEqual(['FORBIDDEN'])
    expect(await denials(giver.id)).toMatchObject([{ detail: { field: 'Mutation.setUserRoles' } }])
  })

  test('a rate limit is recorded once for each block, regardless of further attempts', async () => {
    const user = await signUp(service)
    const limitHits = () => service.app.db.auditEvent.findMany({ where: { action: 'limit.hit' } })
    const guess = () =>
      service.send(Reauthenticate, { input: { password: 'a wrong one' } }, { token: user.accessToken })
    const before = await limitHits()
    for (let attempt = 0; attempt < 10; attempt++)
      expect(codes(await guess())).toEqual(['INVALID_CREDENTIALS'])
    expect(await limitHits()).toEqual(before)
    for (const _ of [1, 2, 3]) expect(codes(await guess())).toEqual(['RATE_LIMITED'])
    const [hit, ...more] = (await limitHits()).slice(before.length)
    expect(more).toEqual([])
    expect(hit).toMatchObject({ ipAddress: '127.0.0.1', detail: { rule: 'proof.account' } })
  })
})

// The last test, because it creates very many events.
test('events are counted exactly up to 10,000 and estimated to two significant digits beyond that', async () => {
  const reader = await signUpWith(service, 'support')
  const subjectId = randomUUID()
  const add = (count: number) =>
    patiently(
      service.app,
      `INSERT INTO audit_events (id, at, action, subject_id)
       SELECT gen_random_uuid(), now(), 'session.denied', $1 FROM generate_series(1, $2::int)`,
      [subjectId, count],
    )
  const filter = { action: 'session.denied', subjectId }
  await add(10_000)
  expect((await read({ filter, first: 1 }, reader)).totalCount).toBe(10_000)
  await add(2345)
  // Autovacuum would do this after a while.
  await patiently(service.app, 'ANALYZE audit_events')
  const { totalCount } = await read({ filter, first: 1 }, reader)
  expect(totalCount % 1000).toBe(0)
  expect(Math.abs(totalCount - 12_345)).toBeLessThanOrEqual(1000)
  expect((await read({ filter: { ...filter, actorId: subjectId }, first: 1 }, reader)).totalCount).toBe(0)
})
