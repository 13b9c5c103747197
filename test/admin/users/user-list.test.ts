import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import type { DocumentNode } from 'graphql'
import { v7 as uuidv7 } from 'uuid'
import { indexAccounts } from '../../../src/accounts/search-index.ts'
import { cursorOf } from '../../../src/pagination.ts'
import type { UserOrder, UsersQuery, UsersQueryVariables } from '../../generated/graphql.ts'
import { type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { Users } from '../../support/operations.ts'
import { patiently } from '../../support/patient.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'
import { addSomePasskey, addSomeTotp } from '../../support/some-factors.ts'

const service = useService()

let reader: SignedIn
beforeAll(async () => {
  reader = await signUpWith(service, 'support')
})

type Connection = UsersQuery['users']

const ask = (variables: Record<string, unknown>, viewer = reader) =>
  service.send(Users as DocumentNode, variables, { token: viewer.accessToken })

async function read(variables: UsersQueryVariables): Promise<Connection> {
  const { data, errors } = await service.send(Users, variables, { token: reader.accessToken })
  expect(errors).toEqual([])
  if (!data) throw new Error('no users')
  return data.users
}

const ids = ({ nodes }: Connection) => nodes.map(node => node.id)

type Facts = {
  email?: string
  username?: string | null
  displayName?: string | null
  createdAt?: Date
  lastLoginAt?: Date | null
  disabledAt?: Date | null
  emailVerifiedAt?: Date | null
}

/** Creates an account in any state and returns its ID. */
async function add(facts: Facts = {}): Promise<string> {
  const id = uuidv7()
  const email = facts.email ?? `${id}@example.com`
  const now = service.clock.now()
  await service.app.db.user.create({
    data: { id, email, emailCanonical: email.toLowerCase(), createdAt: now, updatedAt: now, ...facts },
  })
  return id
}

const day = (number: number) => new Date(Date.UTC(2001, 0, number))

describe('access to the list of accounts', () => {
  test('reading accounts requires a session and the permission users:read', async () => {
    expect(codes(await service.send(Users))).toEqual(['UNAUTHENTICATED'])
    const reply = await ask({}, await signUp(service))
    expect(codes(reply)).toEqual(['FORBIDDEN'])
    expect(reply.data).toBeNull()
  })

  test('support and administrators read all accounts with their roles', async () => {
    const admin = await signUpWith(service, 'admin')
    const { data } = await service.send(
      Users,
      { first: 1, filter: { search: admin.email } },
      { token: admin.accessToken },
    )
    expect(data?.users.nodes).toMatchObject([{ id: admin.id, email: admin.email, roles: ['admin', 'user'] }])
    expect(data?.users.nodes[0]?.permissions).toContain('users:write')
    expect((await read({})).totalCount).toBe(await service.app.db.user.count())
  })
})

/** The IDs of all accounts that a search returns. */
async function found(search: string, more: UsersQueryVariables['filter'] = {}): Promise<string[]> {
  const filter = { ...more, search }
  const connection = await read({ filter, first: 100 })
  expect(connection.totalCount).toBe(connection.nodes.length)
  return ids(connection).sort()
}

/** Deletes the many accounts, updates the planner's statistics and empties the queue of the search index. */
async function removeMany(): Promise<void> {
  await patiently(service.app, `DELETE FROM users WHERE email LIKE '%@example.net'`)
  while ((await service.app.db.userSearchQueue.count()) > 0) await indexAccounts(service.app)
  await patiently(service.app, 'VACUUM ANALYZE users')
}

describe('searching accounts', () => {
  const CASES: [term: string, email: string, username: string | null, displayName: string | null][] = [
    ['lovel', 'ada.lovelace@example.com', null, null],
    ['LoVeLaCe@eX', 'a.lovelace@example.com', null, null],
    ['hopp', 'grace@example.com', 'hopper_1906', null],
    ['ace Bab', 'x1@example.com', null, 'Wallace Babbage'],
    ['김철', 'x2@example.com', null, '김철수'],
    ['철수', 'x3@example.com', null, '박철수'],
    ['뷁', 'x4@example.com', null, '뷁'],
    ["o'br", 'x5@example.com', null, "Conan O'Brien"],
    ['100%', 'x6@example.com', null, '100% Ada'],
    ['a_b', 'x7@example.com', 'a_b.c', null],
    ['\\n', 'x8@example.com', null, 'back\\nslash'],
    ['Ünı', 'x9@example.com', null, 'Ünıcode'],
    ['🧮', 'x10@example.com', null, 'abacus 🧮'],
    ['e\u0301', 'x11@example.com', null, 'Ren\u00e9'],
    ['& |!', 'x12@example.com', null, 'a & |!b'],
  ]

  test.each(CASES)(
    'a search for %j matches every field regardless of case, before and after indexing',
    async (term, email, username, displayName) => {
      const unique = await read({ filter: { search: term } })
      const id = await add({ email: `${randomUUID()}${email}`, username, displayName })
      const all = [...ids(unique), id].sort()
      expect(await found(term)).toEqual(all)
      await indexAccounts(service.app)
      expect(await found(term)).toEqual(all)
    },
  )

  test.each(['%', '_', '*', '~', 'zq%', "' OR true --", 'ada\\'])(
    'a search for %j matches only accounts that contain this text',
    async term => {
      await add({ displayName: 'No one in particular' })
      expect(await found(`zzz${term}`)).toEqual([])
    },
  )

  test('a search does not match text that spans two fields', async () => {
    const name = randomUUID().slice(0, 8)
    await add({ email: `${name}@example.com`, username: `u${name}` })
    expect(await found(`.com u${name}`)).toEqual([])
    expect(await found(`.comu${name}`)).toEqual([])
  })

  test('a search for whitespace returns all accounts', async () => {
    expect((await read({ filter: { search: ' ' } })).totalCount).toBe(await service.app.db.user.count())
  })

  test('a search matches the current values of an account, not earlier ones', async () => {
    const [was, is] = [randomUUID(), randomUUID()]
    const id = await add({ displayName: was })
    await indexAccounts(service.app)
    await service.app.db.user.update({ where: { id }, data: { displayName: is } })
    for (const _ of ['before', 'after']) {
      expect([await found(was), await found(is)]).toEqual([[], [id]])
      await indexAccounts(service.app)
    }
    await service.app.db.user.delete({ where: { id } })
    expect(await found(is)).toEqual([])
    expect(await service.app.db.userSearch.count({ where: { userId: id } })).toBe(0)
  })

  test('a search of many accounts finds rare terms anywhere in the order and pages through common terms', async () => {
    const tag = randomUUID().slice(0, 6)
    await patiently(
      service.app,
      `INSERT INTO users (id, email, email_canonical, created_at, updated_at)
       SELECT gen_random_uuid(), e, e, timestamptz '1999-01-01' + i * interval '1 second', now()
       FROM (SELECT i, 'many' || i || '-' || $1::text || '@example.net' AS e FROM generate_series(1, 12000) i) made`,
      [tag],
    )
    // Autovacuum would do this after a while.
    await patiently(service.app, 'ANALYZE users')
    const find = async (search: string, direction: 'ASC' | 'DESC' = 'ASC') => {
      const page = await read({ filter: { search }, first: 2, orderBy: { field: 'CREATED_AT', direction } })
      return [page.nodes.map(({ email }) => email.split('-')[0]), page.totalCount]
    }
    for (const _ of ['before', 'after']) {
      expect(await find(`many6000-${tag}`)).toEqual([['many6000'], 1])
      expect(await find(`many1-${tag}`, 'DESC')).toEqual([['many1'], 1])
      expect(await find(`many12000-${tag}`)).toEqual([['many12000'], 1])
      expect(await find(`many1199`)).toEqual([['many1199', 'many11990'], 11])
      expect(await find(`-${tag}@`)).toEqual([['many1', 'many2'], 12_000])
      expect(await find(`-${tag}@`, 'DESC')).toEqual([['many12000', 'many11999'], 12_000])
      await indexAccounts(service.app)
    }
    await removeMany()
  })

  test('a search for a common term with a selective filter finds and counts the few matches', async () => {
    const tag = randomUUID().slice(0, 6)
    await patiently(
      service.app,
      `WITH made AS (
         INSERT INTO users (id, email, email_canonical, disabled_at, created_at, updated_at)
         SELECT gen_random_uuid(), e, e, CASE WHEN i <= 4 THEN now() END, timestamptz '1999-01-01' + i * interval '1 second', now()
         FROM (SELECT i, 'crowd' || i || '-' || $1::text || '@example.net' AS e FROM generate_series(1, 60000) i) made
         RETURNING id, email
       ) INSERT INTO user_roles SELECT id, 'support' FROM made WHERE email ~ '^crowd[345]-'`,
      [tag],
    )
    await patiently(service.app, 'ANALYZE users')
    const find = async (filter: object) => {
      const { nodes, totalCount } = await read({ filter: { search: `-${tag}@`, ...filter }, first: 5 })
      return [nodes.map(({ email }) => email.split('-')[0]), totalCount]
    }
    expect(await find({ role: 'support' })).toEqual([['crowd5', 'crowd4', 'crowd3'], 3])
    expect(await find({ disabled: true })).toEqual([['crowd4', 'crowd3', 'crowd2', 'crowd1'], 4])
    expect(await find({ role: 'support', disabled: true })).toEqual([['crowd4', 'crowd3'], 2])
    expect(await find({ role: 'admin' })).toEqual([[], 0])
    await removeMany()
  })
})

describe('filtering accounts', () => {
  test('filters select by role, state, verification and time, and all given conditions apply', async () => {
    const tag = randomUUID()
    const named = (more: Facts) => add({ displayName: tag, ...more })
    const plain = await named({ createdAt: day(1) })
    const verified = await named({ createdAt: day(2), emailVerifiedAt: day(2) })
    const disabled = await named({ createdAt: day(3), disabledAt: day(3), emailVerifiedAt: day(3) })
    const helper = await named({ createdAt: day(4) })
    await service.app.db.userRole.create({ data: { userId: helper, roleName: 'support' } })
    const of = async (filter: UsersQueryVariables['filter']) => new Set(await found(tag, filter))

    expect(await of({})).toEqual(new Set([plain, verified, disabled, helper]))
    expect(await of({ role: 'support' })).toEqual(new Set([helper]))
    for (const role of ['no-such-role', '', '\0']) expect(await of({ role })).toEqual(new Set())
    expect(await of({ disabled: true })).toEqual(new Set([disabled]))
    expect(await of({ disabled: false })).toEqual(new Set([plain, verified, helper]))
    expect(await of({ emailVerified: true })).toEqual(new Set([verified, disabled]))
    expect(await of({ emailVerified: false })).toEqual(new Set([plain, helper]))
    expect(await of({ emailVerified: true, disabled: false })).toEqual(new Set([verified]))
    const range = { createdAfter: day(1).toISOString(), createdBefore: day(4).toISOString() }
    expect(await of(range)).toEqual(new Set([verified, disabled]))
    expect(await of({ ...range, emailVerified: false })).toEqual(new Set())
    expect(await of({ role: null, disabled: null, emailVerified: null, createdAfter: null })).toHaveProperty(
      'size',
      4,
    )
  })

  test('hasSecondFactor selects accounts with an authenticator app, a passkey or a security key, or those without any', async () => {
    const prefix = randomUUID()
    const [none, app, passkey] = [
      await add({ email: `${prefix}-1@example.com` }),
      await add({ email: `${prefix}-2@example.com` }),
      await add({ email: `${prefix}-3@example.com` }),
    ]
    await addSomeTotp(service, app)
    await addSomePasskey(service, passkey)
    const of = async (hasSecondFactor: boolean | null) =>
      new Set(ids(await read({ filter: { search: prefix, hasSecondFactor } })))
    expect(await of(true)).toEqual(new Set([app, passkey]))
    expect(await of(false)).toEqual(new Set([none]))
    expect(await of(null)).toEqual(new Set([none, app, passkey]))
    expect(codes(await ask({ filter: { hasSecondFactor: true } }, await signUp(service)))).toEqual([
      'FORBIDDEN',
    ])
  })

  test.each([
    [{ search: 'x'.repeat(101) }, 'filter.search'],
    [{ search: 'two\nlines' }, 'filter.search'],
    [{ search: 'nul\0' }, 'filter.search'],
    [{ createdAfter: '0000-01-01T00:00:00Z' }, 'filter.createdAfter'],
    [{ createdBefore: '0000-01-01T00:00:00Z' }, 'filter.createdBefore'],
  ])('the filter %j is rejected', async (filter, field) => {
    expect(Object.keys(refusedFields(await ask({ filter })))).toEqual([field])
  })
})

const ORDERS: UserOrder[] = (['CREATED_AT', 'NAME', 'EMAIL', 'LAST_LOGIN_AT'] as const).flatMap(field =>
  (['ASC', 'DESC'] as const).map(direction => ({ field, direction })),
)

describe('the order of accounts', () => {
  test('accounts are listed newest first by default', async () => {
    const [one, two] = [
      await add({ createdAt: new Date('2090-01-01') }),
      await add({ createdAt: new Date('2090-01-02') }),
    ]
    expect(ids(await read({ first: 2 }))).toEqual([two, one])
    await service.app.db.user.deleteMany({ where: { id: { in: [one, two] } } })
  })

  test.each(ORDERS)(
    'the order %j lists each account once, in pages of any size, forward and backward',
    async orderBy => {
      const search = randomUUID()
      const times = [null, day(2), day(1), day(2), null, day(3), day(1)]
      const all: string[] = []
      for (const [at, lastLoginAt] of times.entries()) {
        all.push(
          await add({
            displayName: search,
            lastLoginAt,
            createdAt: lastLoginAt ?? day(5),
            email: `${'cabgfed'[at]}-${search}@example.com`,
          }),
        )
      }
      const { rows } = await service.app.pool.query<{ id: string }>(
        `SELECT id FROM users WHERE display_name = $1 ORDER BY ${
          {
            CREATED_AT: 'created_at',
            // All have the same.
            NAME: 'display_name',
            EMAIL: 'email_canonical',
            LAST_LOGIN_AT: `coalesce(last_login_at, '-infinity')`,
          }[orderBy.field]
        } ${orderBy.direction}, id ${orderBy.direction}`,
        [search],
      )
      const expected = rows.map(row => row.id)
      expect(expected.toSorted()).toEqual(all.toSorted())
      for (const size of [1, 2, 3, 7, 8]) {
        for (const forward of [true, false])
          expect(await walk(forward, size, { orderBy, filter: { search } })).toEqual(expected)
      }
      if (orderBy.field === 'LAST_LOGIN_AT') {
        const page = await read({ orderBy, filter: { search } })
        const never = page.nodes.map(node => node.lastLoginAt === null)
        expect(orderBy.direction === 'ASC' ? never : never.toReversed()).toEqual([
          true,
          true,
          ...Array(5).fill(false),
        ])
      }
    },
  )
})

test('the order by name goes by the name that is shown, regardless of case, in pages of any size', async () => {
  const tag = `t${randomUUID().slice(0, 8)}`
  const shown: [string | null, string | null, string][] = [
    [null, null, `zoe.${tag}@example.com`],
    ['ada', `zz.${tag}`, `q.${tag}@example.com`],
    ['Ada', null, `p.${tag}@example.com`],
    [null, `bob.${tag}`, `a.${tag}@example.com`],
    ['ÉMILE', null, `b.${tag}@example.com`],
    ['김철수', null, `d.${tag}@example.com`],
    ['강하늘', null, `e.${tag}@example.com`],
    ['Bert', null, `f.${tag}@example.com`],
  ]
  for (const [displayName, username, email] of shown) await add({ displayName, username, email })
  const all = { filter: { search: tag }, orderBy: { field: 'NAME', direction: 'ASC' } } as const
  const { nodes } = await read({ ...all, first: 100 })
  const names = nodes.map(({ displayName, username, email }) => displayName ?? username ?? email)
  const latin = names.filter(name => /^[a-z]/i.test(name)).map(name => name.toLowerCase())
  expect(latin).toEqual(['ada', 'ada', 'bert', `bob.${tag}`, `zoe.${tag}@example.com`])
  expect(names.indexOf('강하늘')).toBeLessThan(names.indexOf('김철수'))
  const expected = nodes.map(({ id }) => id)
  for (const size of [1, 2, 3, 8]) {
    for (const forward of [true, false]) expect(await walk(forward, size, all)).toEqual(expected)
    const reversed = { ...all, orderBy: { field: 'NAME', direction: 'DESC' } } as const
    expect(await walk(true, size, reversed)).toEqual(expected.toReversed())
  }
})

test.each(ORDERS)('the order %j is read from an index, without sorting all accounts', async orderBy => {
  const query = jest.spyOn(service.app.pool, 'query')
  await read({ orderBy, first: 25 })
  const asked = query.mock.calls.map(([what]) => what as unknown as { text?: string; values?: unknown[] })
  query.mockRestore()
  const page = asked.find(({ text }) => text?.includes('LIMIT 26'))
  const client = await service.app.pool.connect()
  try {
    // The table of a test is so small that reading all of it is faster.
    await client.query('SET enable_seqscan = off')
    const inner = page?.text?.match(/SELECT u\.id FROM users u .+ LIMIT 26/s)?.[0] ?? ''
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${inner}`, page?.values ?? [])
    const plan = rows.map(row => row['QUERY PLAN']).join('\n')
    expect(plan).toContain('Index')
    expect(plan).not.toContain('Sort')
  } finally {
    await client.query('RESET enable_seqscan')
    client.release()
  }
})

/** Reads all pages of `size` accounts, and calls `between` after each page except the last. */
async function walk(
  forward: boolean,
  size: number,
  variables: UsersQueryVariables,
  between: () => Promise<unknown> = async () => {},
): Promise<string[]> {
  const seen: string[] = []
  let cursor: string | null | undefined
  for (let more = true; more; ) {
    const page = await read({
      ...variables,
      ...(forward ? { first: size, after: cursor } : { last: size, before: cursor }),
    })
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo
    expect(page.edges.map(edge => edge.node.id)).toEqual(ids(page))
    if (forward) seen.push(...ids(page))
    else seen.unshift(...ids(page))
    cursor = forward ? endCursor : startCursor
    more = forward ? hasNextPage : hasPreviousPage
    if (more) await between()
  }
  return seen
}

test('accounts that exist throughout are listed once and in order, even if others are created and deleted between pages', async () => {
  const instant = fc.integer({ min: 1, max: 4 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(instant, fc.option(instant)), { minLength: 1, maxLength: 12 }),
      fc.array(
        fc.oneof(
          fc.tuple(fc.constant('add' as const), instant),
          fc.tuple(fc.constant('remove' as const), fc.nat(40)),
        ),
        { maxLength: 12 },
      ),
      fc.constantFrom(...ORDERS),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.boolean(),
      async (accounts, changes, orderBy, size, forward, searched) => {
        const search = randomUUID()
        const made = async (created: number, login: number | null) =>
          add({
            displayName: search,
            createdAt: day(created),
            lastLoginAt: login === null ? null : day(login),
          })
        const there: string[] = []
        for (const [created, login] of accounts) there.push(await made(created, login))
        // Without a search, a time that no other account has selects the accounts of this run.
        const filter = searched
          ? { search }
          : { createdBefore: day(5).toISOString(), createdAfter: day(0).toISOString() }
        const removed = new Set<string>()
        const left = [...changes]
        const seen = await walk(forward, size, { orderBy, filter }, async () => {
          const [what, which] = left.shift() ?? []
          if (what === 'add') await made(which ?? 1, which ?? null)
          const victim = what === 'remove' ? there[(which ?? 0) % there.length] : undefined
          if (victim) {
            removed.add(victim)
            await service.app.db.user.deleteMany({ where: { id: victim } })
          }
        })
        const stayed = there.filter(id => !removed.has(id))
        const order = await read({ orderBy, filter, first: 100 })
        await service.app.db.user.deleteMany({ where: { displayName: search } })
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen.filter(id => stayed.includes(id))).toEqual(ids(order).filter(id => stayed.includes(id)))
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)

describe('a page of accounts', () => {
  test('a page has 20 accounts by default and tells whether others precede and follow it', async () => {
    const search = randomUUID()
    const all: string[] = []
    for (let number = 1; number <= 23; number++)
      all.unshift(await add({ displayName: search, createdAt: day(number) }))
    const page = await read({ filter: { search } })
    expect(ids(page)).toEqual(all.slice(0, 20))
    expect(page.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: page.edges[0]?.cursor,
      endCursor: page.edges[19]?.cursor,
    })
    expect(page.totalCount).toBe(23)
    const between = { filter: { search }, after: page.edges[1]?.cursor, before: page.edges[9]?.cursor }
    expect(ids(await read(between))).toEqual(all.slice(2, 9))
    expect(ids(await read({ ...between, last: 2 }))).toEqual(all.slice(7, 9))
  })

  test('an empty page has no cursors', async () => {
    expect(await read({ filter: { search: randomUUID() } })).toEqual({
      totalCount: 0,
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      edges: [],
      nodes: [],
    })
  })

  const ID = '00000000-0000-7000-8000-000000000000'
  const TIME = '2026-01-01T00:00:00.000Z'
  const byLogin = { orderBy: { field: 'LAST_LOGIN_AT', direction: 'ASC' } }
  const byEmail = { orderBy: { field: 'EMAIL', direction: 'ASC' } }
  test.each([
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ last: 101 }, 'last'],
    [{ first: 1, last: 1 }, 'last'],
    [{ after: 'not a cursor' }, 'after'],
    [{ before: cursorOf(['CREATED_AT DESC', TIME]) }, 'before'],
    [{ after: cursorOf(['CREATED_AT ASC', TIME, ID]) }, 'after'],
    [{ after: cursorOf(['LAST_LOGIN_AT DESC', TIME, ID]) }, 'after'],
    [{ after: cursorOf(['EMAIL DESC', 'ada@example.com']) }, 'after'],
    [{ after: cursorOf(['CREATED_AT DESC', 'yesterday', ID]) }, 'after'],
    [{ after: cursorOf(['CREATED_AT DESC', '-infinity', ID]) }, 'after'],
    [{ after: cursorOf(['CREATED_AT DESC', TIME, 'ada']) }, 'after'],
    [{ ...byLogin, after: cursorOf(['CREATED_AT DESC', TIME, ID]) }, 'after'],
    [{ ...byLogin, before: cursorOf(['LAST_LOGIN_AT DESC', TIME, ID]) }, 'before'],
    [{ ...byEmail, after: cursorOf(['EMAIL ASC', '\0']) }, 'after'],
    [{ ...byEmail, after: cursorOf(['EMAIL ASC', 'ada@example.com', ID]) }, 'after'],
  ])('the page %j is rejected', async (variables, field) => {
    expect(Object.keys(refusedFields(await ask(variables)))).toEqual([field])
  })

  test('a page reads accounts, roles and sessions in a constant number of queries', async () => {
    const search = randomUUID()
    for (const number of [1, 2, 3, 4, 5, 6]) await add({ displayName: search, createdAt: day(number) })
    const queries = async (first: number) => {
      const query = jest.spyOn(service.app.pool, 'query')
      const { errors, data } = await service.send<{ users: { nodes: unknown[] } }, object>(
        `{ users(first: ${first}, filter: { search: "${search}" }) { nodes { id roles permissions sessions { id } } } }`,
        {},
        { token: reader.accessToken },
      )
      const asked = query.mock.calls.map(call => JSON.stringify(call[0]))
      query.mockRestore()
      expect([errors, data?.users.nodes.length]).toEqual([[], first])
      // The other queries belong to background tasks.
      return asked.filter(text => /roles|sessions/.test(text)).length
    }
    expect(await queries(1)).toBeGreaterThan(1)
    expect(await queries(5)).toBe(await queries(1))
  })
})
