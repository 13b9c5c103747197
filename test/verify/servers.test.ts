import type { AddressInfo } from 'node:net'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { ApolloServer } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
// @ts-expect-error Express has no types of its own.
import express from 'express'
import Fastify from 'fastify'
import type { GraphQLSchema } from 'graphql'
import * as tg from 'type-graphql'
import { authLink } from '../../src/client/apollo.ts'
import { type AuthContext, authContext, authPlugin, guard, stepUp } from '../../src/verify/apollo.ts'
import * as forExpress from '../../src/verify/express.ts'
import * as forFastify from '../../src/verify/fastify.ts'
import type { Verifier } from '../../src/verify/index.ts'
import { authChecker } from '../../src/verify/type-graphql.ts'
import { EXPIRY_SECONDS, signedIn } from '../client/support.ts'
import { as, newRole, type SignedIn, signIn, signUp, signUpWith } from '../support/actors.ts'
import { claimsOf, forge, type Json } from '../support/forge.ts'
import { useService } from '../support/service.ts'
import { verifierOf } from './support.ts'

const service = useService({ settings: { TOKEN_CLAIMS: 'permissions' } })

type Server = { url: string; close(): Promise<unknown> }
const now = () => service.clock.now().getTime()
const RECENT = { strength: 'SINGLE', maxAgeSeconds: 300, now } as const
const STRONG = { strength: 'MULTI', maxAgeSeconds: 300, now } as const
const ANYWHERE = { host: 'localhost', port: 0 }
const EITHER = ['users:read', 'users:write'] as const

async function startExpress(verifier: Verifier): Promise<Server> {
  const { guard, identityOf, stepUp } = forExpress
  const app = express()
  app.get('/me', guard(verifier))
  app.get('/users', guard(verifier, ...EITHER))
  app.get('/recent', guard(verifier), stepUp(RECENT))
  app.get('/strong', guard(verifier), stepUp(STRONG))
  app.use((request: object, response: { json(body: unknown): void }) =>
    response.json({ data: identityOf(request).userId }),
  )
  const server = app.listen(0)
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://localhost:${port}`, close: () => new Promise(resolve => server.close(resolve)) }
}

async function startFastify(verifier: Verifier): Promise<Server> {
  const { guard, identityOf, stepUp } = forFastify
  const app = Fastify()
  const answer = async (request: object) => ({ data: identityOf(request).userId })
  app.get('/me', { preHandler: guard(verifier) }, answer)
  app.get('/users', { preHandler: guard(verifier, ...EITHER) }, answer)
  app.get('/recent', { preHandler: [guard(verifier), stepUp(RECENT)] }, answer)
  app.get('/strong', { preHandler: [guard(verifier), stepUp(STRONG)] }, answer)
  return { url: await app.listen(ANYWHERE), close: () => app.close() }
}

async function startApollo(verifier: Verifier, schema: GraphQLSchema): Promise<Server> {
  const plugins = [authPlugin()]
  const apollo = new ApolloServer<AuthContext>({ schema, plugins, includeStacktraceInErrorResponses: false })
  await apollo.start()
  const app = Fastify()
  const context = async (request: Parameters<typeof authContext>[1]) => authContext(verifier, request)
  app.post('/graphql', fastifyApolloHandler(apollo, { context }))
  return { url: await app.listen(ANYWHERE), close: () => app.close() }
}

type Note = { userId: string; text: string; secret: string }
/** Whose note the servers have. */
let ownerId = ''
const note = () => ({ userId: ownerId, text: 'Draft', secret: 'hidden', diary: 'Dear diary' })
const whoAmI = async (_parent: unknown, _args: unknown, { identity }: AuthContext) =>
  (await identity()).userId

const guarded = makeExecutableSchema({
  typeDefs: `
    type Note { text: String! secret: String }
    type Query { hello: String! me: String! note: Note! users: String! recent: String! strong: String! }`,
  resolvers: {
    Query: {
      hello: () => 'hello',
      me: guard(whoAmI),
      note: guard(note),
      users: guard(EITHER, whoAmI),
      recent: stepUp(RECENT, whoAmI),
      strong: stepUp(STRONG, whoAmI),
    },
    Note: { secret: guard('notes:secret', ({ secret }: Note) => secret) },
  },
})

@tg.ObjectType('Note')
class NoteType {
  userId!: string
  @tg.Field(() => String)
  text!: string
  @tg.Authorized('notes:secret')
  @tg.Field(() => String, { nullable: true })
  secret!: string
  @tg.Authorized('self', 'users:read')
  @tg.Field(() => String, { nullable: true })
  diary!: string
}

@tg.Resolver(() => NoteType)
class NotesResolver {
  @tg.Query(() => String)
  hello(): string {
    return 'hello'
  }
  @tg.Authorized()
  @tg.Query(() => String)
  async me(@tg.Ctx() context: AuthContext): Promise<string> {
    return whoAmI(undefined, undefined, context)
  }
  @tg.Authorized(...EITHER)
  @tg.Query(() => String)
  async users(@tg.Ctx() context: AuthContext): Promise<string> {
    return whoAmI(undefined, undefined, context)
  }
  @tg.Query(() => NoteType)
  note(): NoteType {
    return note()
  }
}

const startGuarded = (verifier: Verifier) => startApollo(verifier, guarded)
const startChecked = async (verifier: Verifier) =>
  startApollo(verifier, await tg.buildSchema({ resolvers: [NotesResolver], authChecker, validate: false }))

let account: SignedIn
beforeEach(async () => {
  account = await signUp(service)
  ownerId = account.id
})
const bearer = (claims: Json = {}) => `Bearer ${forge(service, account.accessToken, { claims })}`

describe.each([
  ['Express', startExpress, false, true],
  ['Fastify', startFastify, false, true],
  ['Apollo Server and guards', startGuarded, true, true],
  ['Apollo Server and TypeGraphQL', startChecked, true, false],
])('a server with %s', (_name, start, isGraphQL, stepsUp) => {
  let server: Server
  let broken: Server
  beforeAll(async () => {
    server = await start(verifierOf(service, { dpop: { url: 'https://api.example.com' } }))
    broken = await start(verifierOf(service, { jwksUrl: 'http://localhost:9/' }))
  })
  afterAll(() => Promise.all([server.close(), broken.close()]))

  /** What a route, or the GraphQL field of its name, answers. */
  async function get(name: string, authorization?: string, { url } = server) {
    const headers = { ...(authorization && { authorization }), 'content-type': 'application/json' }
    const query = { method: 'POST', headers, body: JSON.stringify({ query: `{ ${name} }` }) }
    const response = await (isGraphQL ? fetch(`${url}/graphql`, query) : fetch(`${url}/${name}`, { headers }))
    const { data, errors = [] } = await response.json()
    const [{ message, extensions } = { message: '', extensions: {} }] = errors
    const challenge = response.headers.get('www-authenticate')
    return { status: response.status, challenge, data, errors, message, extensions }
  }
  const me = (data: unknown) => ({ data: isGraphQL ? { me: data } : data })
  /** In GraphQL, the error itself says what these say. */
  const over = (status: number, challenge: unknown) => (isGraphQL ? {} : { status, challenge })

  test('knows who sends a request with an access token', async () => {
    expect(await get('me', bearer())).toMatchObject({ ...me(account.id), ...over(200, null) })
    expect(await get('me', `bearer  ${account.accessToken} `)).toMatchObject(me(account.id))
  })

  test('answers without a token as Authograph does, with the challenge of RFC 6750', async () => {
    const { errors } = await service.send('{ me { id } }')
    const [{ message, extensions } = {}] = errors
    expect(await get('me')).toMatchObject({ ...over(401, 'Bearer'), message, extensions })
  })

  test.each([
    ['text that is no token', () => 'Bearer x', 'INVALID'],
    ['an empty token', () => 'Bearer', 'INVALID'],
    ['another scheme', () => 'Basic YTpi', 'INVALID'],
    ['an expired token', () => bearer({ exp: Math.floor(now() / 1000) - 61 }), 'EXPIRED'],
    ['a bound token without a proof', () => bearer({ cnf: { jkt: 'x' } }), 'DPOP_INVALID'],
  ])('refuses %s, and says why', async (_what, authorization, reason) => {
    const challenge =
      reason === 'DPOP_INVALID'
        ? /^DPoP algs="ES256", error="invalid_dpop_proof"/
        : /^Bearer error="invalid_token"/
    const extensions = { code: 'UNAUTHENTICATED', reason }
    expect(await get('me', authorization())).toMatchObject({
      ...over(401, expect.stringMatching(challenge)),
      extensions,
    })
  })

  test('requires one of the permissions that a guard names', async () => {
    const { errors } = await service.send('{ users(first: 1) { nodes { id } } }', {}, as(account))
    expect(await get('users', bearer())).toMatchObject({
      ...over(403, expect.stringContaining('Bearer error="insufficient_scope"')),
      message: errors[0]?.message,
      extensions: { code: 'FORBIDDEN' },
    })
    const { email } = await signUpWith(service, await newRole(service, 'users:write'))
    const { accessToken } = await signIn(service, email)
    expect(await get('users', `Bearer ${accessToken}`)).toMatchObject({ status: 200, errors: [] })
  })

  test('says what to do if the tokens of the server have no permissions', async () => {
    const message = expect.stringContaining('TOKEN_CLAIMS=permissions')
    expect(await get('users', bearer({ permissions: undefined }))).toMatchObject({ message })
  })

  test('answers SERVICE_UNAVAILABLE while the keys are out of reach, and reveals no address', async () => {
    const answer = await get('me', bearer(), broken)
    expect(answer).toMatchObject({ ...over(503, null), extensions: { code: 'SERVICE_UNAVAILABLE' } })
    expect(JSON.stringify(answer)).not.toContain('localhost')
  })

  if (stepsUp)
    test('requires a strong and recent sign-in with the challenge of RFC 9470', async () => {
      const at = (seconds: number) => Number(claimsOf(account.accessToken).auth_time) + seconds
      const allowed = async (name: string, claims: Json) =>
        (await get(name, bearer(claims))).errors.length === 0
      expect(await allowed('recent', {})).toBe(true)
      for (const auth_time of [at(-400), undefined])
        expect(await allowed('recent', { auth_time })).toBe(false)
      for (const acr of ['mfa', 'phr']) expect(await allowed('strong', { acr })).toBe(true)
      for (const acr of [undefined, 'other']) expect(await allowed('strong', { acr })).toBe(false)
      expect(await get('strong', bearer({ acr: '1fa' }))).toMatchObject({
        ...over(401, null),
        challenge: expect.stringMatching(
          /^Bearer error="insufficient_user_authentication", .*acr_values="mfa", max_age="300"$/,
        ),
        message: 'Confirm that it’s you to continue.',
        extensions: { code: 'STEP_UP_REQUIRED', acr: 'mfa', maxAgeSeconds: 300 },
      })
    })

  if (isGraphQL) {
    test('lets fields without a guard answer requests without a valid token', async () => {
      for (const authorization of [undefined, 'Bearer stale'])
        expect(await get('hello', authorization)).toMatchObject({ data: { hello: 'hello' }, errors: [] })
    })

    test('answers null for a field that is denied, and its siblings return data', async () => {
      const { data, errors } = await get('note { text secret }', bearer())
      expect([data, errors]).toMatchObject([
        { note: { text: 'Draft', secret: null } },
        [{ path: ['note', 'secret'], extensions: { code: 'FORBIDDEN' } }],
      ])
      const allowed = await get('note { secret }', bearer({ permissions: ['notes:secret'] }))
      expect(allowed.data).toEqual({ note: { secret: 'hidden' } })
    })

    test('makes Apollo Client renew an expired token and repeat the operation', async () => {
      const { client, network } = await signedIn(service)
      service.clock.advance(EXPIRY_SECONDS)
      const link = authLink(client).concat(
        new HttpLink({ uri: `${server.url}/graphql`, fetch: network.fetch }),
      )
      const apollo = new ApolloClient({ link, cache: new InMemoryCache() })
      const { data } = await apollo.query<{ me: string }>({ query: gql`query Mine { me }` })
      expect(data?.me).toBe(client.state.user?.id)
      expect(network.sent).toEqual(['Mine', 'Refresh', 'Mine'])
      apollo.stop()
    })
  } else {
    test('makes the client renew an expired token and repeat the request', async () => {
      const { client, network } = await signedIn(service, { tokenOrigins: [server.url] })
      service.clock.advance(EXPIRY_SECONDS)
      const response = await client.fetch(`${server.url}/me`)
      expect(await response.json()).toEqual({ data: client.state.user?.id })
      expect(network.sent).toEqual(['fetch', 'Refresh', 'fetch'])
    })

    test('makes the client ask for a step-up', async () => {
      const asked: unknown[] = []
      const onStepUp = async (challenge: unknown) => void asked.push(challenge)
      const { client } = await signedIn(service, { tokenOrigins: [server.url], onStepUp })
      await client.fetch(`${server.url}/strong`)
      expect(asked).toEqual([{ acr: 'mfa', maxAgeSeconds: 300, accepts: [] }])
    })
  }

  if (!stepsUp)
    test('knows the user in the userId of the object as self', async () => {
      const diary = async (authorization: string) =>
        (await get('note { diary }', authorization)).data.note.diary
      const mine = bearer()
      expect(await diary(mine)).toBe('Dear diary')
      ownerId = 'someone else'
      expect(await diary(mine)).toBeNull()
      expect(await diary(bearer({ permissions: ['users:read'] }))).toBe('Dear diary')
    })
})

test('identityOf fails for a request that no guard has seen', () => {
  expect(() => forExpress.identityOf({})).toThrow('no guard')
})

test('a guard without a resolver fails when the program starts', () => {
  // @ts-expect-error The resolver is missing.
  expect(() => guard('notes:read')).toThrow('resolver')
})
