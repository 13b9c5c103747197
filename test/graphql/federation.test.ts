import { composeServices } from '@apollo/composition'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { graphql, parse } from 'graphql'
import { createSubgraphSchema } from '../../src/graphql/federation.ts'
import {
  AuthError,
  Authorized,
  createSchema,
  type Entity,
  Field,
  ID,
  ObjectType,
  Query,
  Resolver,
} from '../../src/index.ts'
import { as, type SignedIn, signUp, signUpVerified, signUpWith } from '../support/actors.ts'
import { forge } from '../support/forge.ts'
import { watchQueries } from '../support/queries.ts'
import { codes, type Reply, type Sending, startService, useService } from '../support/service.ts'
import { snippetsIn } from '../support/snippets.ts'

@ObjectType({ description: 'For a test.' })
class Memo {
  @Field(() => ID, { description: 'For a test.' })
  id!: string

  @Field(() => String, { description: 'For a test.' })
  text!: string

  @Authorized('notes:read')
  @Field(() => String, { nullable: true, description: 'For a test.' })
  history!: string
}

@Resolver()
class MemosResolver {
  @Query(() => Memo, { description: 'For a test.' })
  memo(): Memo {
    return memoWith('1')
  }
}

const memoWith = (id: string): Memo => ({ id, text: `Memo ${id}`, history: 'Draft' })
/** What a memo was asked for by. */
const references: unknown[] = []
const memo: Entity = {
  key: ['id', 'text'],
  resolve: async ({ __typename: _, ...reference }, context) => {
    references.push(reference)
    if (reference.id === 'broken') throw new Error('canary')
    const by = (await context.viewer()).account.id
    return reference.id === 'none' ? null : { ...memoWith(String(reference.id)), text: `for ${by}` }
  },
}

const service = useService({
  settings: { FEDERATION: 'on' },
  server: { resolvers: [MemosResolver], permissions: ['notes:read'], entities: { Memo: memo } },
})

const page = snippetsIn('graphql').find(({ page }) => page === 'docs/federation.md')
const NOTES = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  scalar DateTime
  type Query { notes(first: Int): NoteConnection! }
  type NoteConnection { nodes: [Note!]! pageInfo: PageInfo! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  extend type Note { writtenAt: DateTime! }
  ${page?.text}
`

const ENTITIES =
  'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { id username email } } }'

type Entities = { _entities: (Record<string, unknown> | null)[] }

/** Asks for accounts as a gateway does. */
function entities(ids: unknown[], sending: Sending, query = ENTITIES): Promise<Reply<Entities>> {
  const representations = ids.map(id => ({ __typename: 'User', id }))
  return service.send<Entities, object>(query, { representations }, sending)
}

let ada: SignedIn
let bob: SignedIn
let admin: SignedIn
beforeAll(async () => {
  ada = await signUp(service)
  bob = await signUp(service)
  admin = await signUpWith(service, 'admin')
})

test('the subgraph composes with another one that extends User', async () => {
  const { data } = await service.send<{ _service: { sdl: string } }, object>('{ _service { sdl } }')
  const { errors, supergraphSdl } = composeServices([
    { name: 'auth', url: 'http://auth', typeDefs: parse(data?._service.sdl ?? '') },
    { name: 'notes', url: 'http://notes', typeDefs: parse(NOTES) },
  ])
  expect(errors?.map(({ message }) => message)).toBeUndefined()
  expect(supergraphSdl).toMatch(
    /type User\n {2}@join__type\(graph: AUTH, key: "id"\)\n {2}@join__type\(graph: NOTES, key: "id"\)/,
  )
})

describe('a type of the program', () => {
  const MEMOS =
    'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Memo { id text } } }'
  const memos = (list: object[], sending: Sending, query = MEMOS) => {
    const representations = list.map(each => ({ __typename: 'Memo', ...each }))
    return service.send<Entities, object>(query, { representations }, sending)
  }

  test('has its keys in the schema, and composes with a subgraph that extends it', async () => {
    const { data } = await service.send<{ _service: { sdl: string } }, object>('{ _service { sdl } }')
    const sdl = data?._service.sdl ?? ''
    expect(sdl).toMatch(/type Memo\s+@key\(fields: "id"\)\s+@key\(fields: "text"\)/)
    const others = NOTES.replace(
      'type Note @key',
      'type Memo @key(fields: "id") { id: ID! likes: Int! } type Note @key',
    )
    const { errors } = composeServices([
      { name: 'auth', url: 'http://auth', typeDefs: parse(sdl) },
      { name: 'notes', url: 'http://notes', typeDefs: parse(others) },
    ])
    expect(errors?.map(({ message }) => message)).toBeUndefined()
  })

  test('is resolved by the program, with its context, in the given order', async () => {
    references.length = 0
    const { data, errors } = await memos([{ id: '7' }, { id: 'none' }, { id: '8' }], as(ada))
    expect(errors).toEqual([])
    expect(data?._entities).toEqual([
      { id: '7', text: `for ${ada.id}` },
      null,
      { id: '8', text: `for ${ada.id}` },
    ])
    expect(references).toEqual([{ id: '7' }, { id: 'none' }, { id: '8' }])
  })

  test('is found by those with a session only, and keeps the guards of its fields and the limits', async () => {
    references.length = 0
    const { data, errors } = await memos([{ id: '7' }], {})
    expect([data?._entities, errors.map(({ extensions }) => extensions.code)]).toEqual([
      [null],
      ['UNAUTHENTICATED'],
    ])
    expect(references).toEqual([])
    const history = await memos([{ id: '7' }], as(ada), MEMOS.replace('text', 'history'))
    expect(history.data?._entities).toEqual([{ id: '7', history: null }])
    expect(codes(history)).toEqual(['FORBIDDEN'])
    const lookUp = '_entities(representations: $representations) { ... on Memo { id } }'
    const seven = `query ($representations: [_Any!]!) { ${[...'abcdefg'].map(alias => `${alias}: ${lookUp}`).join(' ')} }`
    expect(codes(await memos(Array(800).fill({ id: '7' }), as(ada), seven))).toContain('QUERY_TOO_COMPLEX')
  })

  test('whose resolver fails says nothing of the cause', async () => {
    const reply = await memos([{ id: 'broken' }], as(ada))
    expect(codes(reply)).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(JSON.stringify(reply)).not.toContain('canary')
    expect(service.logged.splice(0).join()).toContain('canary')
  })

  test('can require a permission for look-ups, or be public', async () => {
    const schema = createSchema([MemosResolver])
    const look = async (entity: Partial<Entity>, viewer: () => Promise<unknown>) => {
      const context = { viewer, app: service.app, request: {}, isRevealed: () => false }
      const { data, errors } = await graphql({
        schema: createSubgraphSchema(schema, {
          Memo: { key: 'id', resolve: () => memoWith('1'), ...entity },
        }),
        source: MEMOS,
        variableValues: { representations: [{ __typename: 'Memo', id: '1' }] },
        contextValue: context,
      })
      return errors?.map(({ originalError }) => (originalError as AuthError).code) ?? data?._entities
    }
    const stranger = () => Promise.reject(new AuthError('UNAUTHENTICATED'))
    const admitted = async () => ({
      account: { id: '1', permissions: ['notes:read'] },
      via: { kind: 'serviceAccount' },
    })
    expect(await look({ authorized: ['notes:read'] }, admitted)).toEqual([{ id: '1', text: 'Memo 1' }])
    expect(await look({ authorized: ['notes:read'] }, stranger)).toEqual(['UNAUTHENTICATED'])
    expect(await look({ public: true }, stranger)).toEqual([{ id: '1', text: 'Memo 1' }])
  })

  test('that does not exist, or that belongs to Authograph, stops the start', () => {
    const schema = createSchema([MemosResolver])
    for (const name of ['Nemo', 'DateTime', 'User'])
      expect(() => createSubgraphSchema(schema, { [name]: memo })).toThrow(`entities: `)
  })
})

describe('accounts that a gateway asks for by their IDs', () => {
  test('are found in the given order, with null for those that do not exist', async () => {
    const unknown = '00000000-0000-7000-8000-000000000000'
    const { data, errors } = await entities([bob.id, unknown, ada.id, 'x', 7, bob.id], as(admin))
    expect(errors).toEqual([])
    expect(data?._entities).toMatchObject([
      { id: bob.id, email: bob.email },
      null,
      { id: ada.id, email: ada.email },
      null,
      null,
      { id: bob.id },
    ])
  })

  test('cost one query, however many there are', async () => {
    const names: (string | undefined)[] = []
    const stop = watchQueries(service.app, name => names.push(name))
    try {
      await entities([ada.id, bob.id, admin.id], as(admin))
    } finally {
      stop()
    }
    expect(names.filter(name => name?.includes('account'))).toEqual([
      'session-with-account',
      'accounts-by-id-list',
    ])
  })

  test('show their fields to those whom the guards allow, and to no others', async () => {
    const { data, errors } = await entities([ada.id, bob.id], as(ada))
    // The address may not be null, so the account whose address is denied is null as a whole.
    expect(data?._entities).toMatchObject([{ id: ada.id, email: ada.email }, null])
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['_entities', 1, 'email'], 'FORBIDDEN'],
    ])
    const named = await entities([bob.id], as(ada), ENTITIES.replace(' email', ''))
    expect(named.data?._entities).toEqual([{ id: bob.id, username: null }])
  })

  test('are not shown without a session', async () => {
    const { data, errors } = await entities([ada.id], {})
    expect(data).toEqual({ _entities: [null] })
    expect(errors.map(({ extensions }) => [extensions.code, extensions.reason])).toEqual([
      ['UNAUTHENTICATED', 'MISSING'],
    ])
  })

  test('are not shown for a token that has expired or whose session has ended', async () => {
    const past = Math.floor(service.clock.now().getTime() / 1000) - 120
    const expired = forge(service, ada.accessToken, { claims: { iat: past - 600, exp: past } })
    const gone = await signUp(service)
    await service.send('mutation { logout }', {}, as(gone))
    for (const [token, reason] of [
      [expired, 'EXPIRED'],
      [gone.accessToken, 'REVOKED'],
    ]) {
      const { data, errors } = await entities([ada.id], { token })
      expect([data?._entities, errors.map(({ extensions }) => extensions.reason)]).toEqual([[null], [reason]])
    }
  })

  test('are shown to an API key only with its permission', async () => {
    const owner = await signUpVerified(service)
    const created = await service.send<{ createApiKey: { secret: string } }, object>(
      'mutation { createApiKey(input: { name: "Report", permissions: [] }) { secret } }',
      {},
      as(owner),
    )
    const { data, errors } = await entities([owner.id], { token: created.data?.createApiKey.secret })
    expect([data?._entities, errors.map(({ extensions }) => extensions.code)]).toEqual([
      [null],
      ['FORBIDDEN'],
    ])
  })

  test('count towards the limit of objects by their real number, over the whole request', async () => {
    const many = (count: number) => Array.from({ length: count }, () => bob.id)
    const query =
      'query ($representations: [_Any!]!) { a: _entities(representations: $representations) { ...F } b: _entities(representations: $representations) { ...F } } fragment F on User { id sessions { id } }'
    // Each account with its sessions counts as 21 objects.
    expect(codes(await entities(many(100), as(admin), query))).toEqual([])
    expect(codes(await entities(many(120), as(admin), query))).toContain('QUERY_TOO_COMPLEX')
    expect(codes(await entities(many(800), as(admin)))).toEqual([])
  })
})

test('operations keep their guards and limits', async () => {
  expect(codes(await service.send('{ me { id } }'))).toEqual(['UNAUTHENTICATED'])
  expect(codes(await service.send('{ users { nodes { id } } }', {}, as(ada)))).toEqual(['FORBIDDEN'])
  const logins = ['a', 'b', 'c', 'd'].map(
    alias => `${alias}: login(input: { identifier: "x", password: "y" }) { __typename }`,
  )
  expect(codes(await service.send(`mutation { ${logins.join(' ')} }`))).toEqual(['QUERY_TOO_COMPLEX'])
  const { data } = await service.send('{ me { id createdAt sessions { current } } }', {}, as(ada))
  expect(data).toMatchObject({
    me: { id: ada.id, createdAt: expect.any(String), sessions: [{ current: true }] },
  })
})

test('the text of the schema is hidden together with introspection', async () => {
  const hidden = await startService({ settings: { FEDERATION: 'on', INTROSPECTION: 'off' } })
  try {
    expect(codes(await hidden.send('{ _service { sdl } }'))).toEqual(['BAD_USER_INPUT'])
  } finally {
    await hidden.close()
  }
})
