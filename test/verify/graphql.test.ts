import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { ApolloServer } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import { makeExecutableSchema } from '@graphql-tools/schema'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import Fastify from 'fastify'
import type { GraphQLSchema } from 'graphql'
import {
  Authorized,
  buildSchema,
  Field,
  FieldResolver,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql'
import { authLink } from '../../src/client/apollo.ts'
import { type AuthContext, authContext, authPlugin, guard, stepUp } from '../../src/verify/apollo.ts'
import { createVerifier } from '../../src/verify/index.ts'
import { authChecker } from '../../src/verify/type-graphql.ts'
import { EXPIRY_SECONDS, signedIn } from '../client/support.ts'
import { newRole, type SignedIn, signIn, signUp, signUpWith } from '../support/actors.ts'
import { forge } from '../support/forge.ts'
import { send, useService } from '../support/service.ts'

const service = useService({ settings: { TOKEN_CLAIMS: 'permissions' } })

type Note = { userId: string; text: string; secret: string }
const noteOf = (userId: string): Note => ({ userId, text: `Note of ${userId}`, secret: 'hidden' })

const typeDefs = `
  type Note { text: String! secret: String }
  type Query { hello: String! me: String! note: Note! users: [String!]! pay: Boolean! }`

const resolvers = {
  Query: {
    hello: () => 'hello',
    me: guard(async (_parent, _args, { identity }: AuthContext) => (await identity()).userId),
    note: guard(async (_parent: unknown, _args: unknown, { identity }: AuthContext) =>
      noteOf((await identity()).userId),
    ),
    users: guard(['users:read', 'users:write'], () => ['Ada']),
    pay: stepUp({ strength: 'MULTI', now: () => service.clock.now().getTime() }, () => true),
  },
  Note: { secret: guard('notes:secret', (note: Note) => note.secret) },
}

@ObjectType('Note')
class NoteType {
  userId!: string
  @Field(() => String)
  text!: string
  @Authorized('notes:secret')
  @Field(() => String, { nullable: true })
  secret!: string
  @Authorized('self', 'users:read')
  @Field(() => String, { nullable: true })
  diary!: string
}

@Resolver(() => NoteType)
class NotesResolver {
  @Query(() => String)
  hello(): string {
    return 'hello'
  }
  @Authorized()
  @Query(() => String)
  async me(): Promise<string> {
    return 'me'
  }
  @Authorized('users:read', 'users:write')
  @Query(() => [String])
  users(): string[] {
    return ['Ada']
  }
  @Query(() => NoteType)
  note(): Note {
    return noteOf(ownerId)
  }
  @FieldResolver(() => String)
  diary(@Root() note: Note): string {
    return `Diary of ${note.userId}`
  }
}

/** Whose note the schema of TypeGraphQL has. */
let ownerId = ''

/** A separate Apollo Server, whose clients send tokens of the service. */
function useServer(makeSchema: () => Promise<GraphQLSchema>) {
  const fastify = Fastify()
  const holder = { url: '' }
  beforeAll(async () => {
    const verifier = createVerifier({
      issuer: service.app.config.tokens.issuer,
      audience: service.app.config.tokens.audience,
      jwksUrl: `${service.url}/.well-known/jwks.json`,
      now: () => service.clock.now().getTime(),
    })
    const apollo = new ApolloServer<AuthContext>({ schema: await makeSchema(), plugins: [authPlugin()] })
    await apollo.start()
    fastify.post(
      '/graphql',
      fastifyApolloHandler(apollo, { context: async request => authContext(verifier, request) }),
    )
    holder.url = await fastify.listen({ host: 'localhost', port: 0 })
  })
  afterAll(() => fastify.close())
  return holder
}

const withGuards = useServer(async () => makeExecutableSchema({ typeDefs, resolvers }))
const withChecker = useServer(() => buildSchema({ resolvers: [NotesResolver], authChecker, validate: false }))

let account: SignedIn
beforeEach(async () => {
  account = await signUp(service)
  ownerId = account.id
})

/** A new access token of an account that has these permissions. */
async function tokenWith(...permissions: string[]): Promise<string> {
  const { accessToken } = await signUp(service)
  return forge(service, accessToken, { claims: { permissions } })
}

describe.each([
  ['guards', withGuards],
  ['the auth checker of TypeGraphQL', withChecker],
])('with %s', (_name, server) => {
  const ask = (query: string, token?: string) =>
    send<Record<string, unknown>, object>(server.url, query, {}, { token })
  const refusalOf = async (query: string, token?: string) => {
    const { data, errors } = await ask(query, token)
    const [{ message, extensions } = { message: '', extensions: {} }] = errors
    const { stacktrace: _, ...shown } = extensions as Record<string, unknown>
    return { data, message, extensions: shown }
  }

  test('a guarded field returns what it has to a user', async () => {
    expect((await ask('{ me }', account.accessToken)).data?.me).toBeTruthy()
  })

  test('without a token, it fails as at Authograph, and other fields still answer', async () => {
    const { errors } = await service.send('{ me { id } }')
    const [{ message, extensions } = {}] = errors
    expect(await refusalOf('{ me }')).toEqual({ data: null, message, extensions })
    expect((await ask('{ hello }')).data).toEqual({ hello: 'hello' })
    expect((await ask('{ hello }', 'stale')).data).toEqual({ hello: 'hello' })
  })

  test('a token that is invalid or expired fails with the reason', async () => {
    expect(await refusalOf('{ me }', 'x')).toMatchObject({
      extensions: { code: 'UNAUTHENTICATED', reason: 'INVALID' },
    })
    const expired = forge(service, account.accessToken, { claims: { exp: 1_700_000_000 } })
    expect(await refusalOf('{ me }', expired)).toMatchObject({
      extensions: { code: 'UNAUTHENTICATED', reason: 'EXPIRED' },
    })
  })

  test('an operation requires one of its permissions', async () => {
    const refusal = await refusalOf('{ users }', account.accessToken)
    const atAuthograph = await service.send(
      '{ users(first: 1) { nodes { id } } }',
      {},
      { token: account.accessToken },
    )
    expect(refusal.message).toBe(atAuthograph.errors[0]?.message)
    expect(refusal.extensions).toEqual({ code: 'FORBIDDEN' })
    const { email } = await signUpWith(service, await newRole(service, 'users:write'))
    const { accessToken } = await signIn(service, email)
    expect((await ask('{ users }', accessToken)).data).toEqual({ users: ['Ada'] })
  })

  test('a field that is denied is null, and its siblings return data', async () => {
    const denied = await ask('{ note { text secret } }', account.accessToken)
    expect(denied.data).toEqual({ note: { text: `Note of ${account.id}`, secret: null } })
    expect(denied.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['note', 'secret'], 'FORBIDDEN'],
    ])
    const allowed = forge(service, account.accessToken, { claims: { permissions: ['notes:secret'] } })
    expect((await ask('{ note { secret } }', allowed)).data).toEqual({ note: { secret: 'hidden' } })
  })

  test('Apollo Client renews an expired token and repeats the operation', async () => {
    const { client, network } = await signedIn(service)
    service.clock.advance(EXPIRY_SECONDS)
    const apollo = new ApolloClient({
      link: authLink(client).concat(new HttpLink({ uri: `${server.url}/graphql`, fetch: network.fetch })),
      cache: new InMemoryCache(),
    })
    const { data } = await apollo.query<{ me: string }>({ query: gql`query Mine { me }` })
    expect(data?.me).toBeTruthy()
    expect(network.sent).toEqual(['Mine', 'Refresh', 'Mine'])
    apollo.stop()
  })
})

test('with TypeGraphQL, self is the user in the userId of the object', async () => {
  const ask = async (token: string) => (await send(withChecker.url, '{ note { diary } }', {}, { token })).data
  expect(await ask((await signIn(service, account.email)).accessToken)).toEqual({
    note: { diary: `Diary of ${account.id}` },
  })
  expect(await ask(await tokenWith())).toEqual({ note: { diary: null } })
  expect(await ask(await tokenWith('users:read'))).toEqual({ note: { diary: `Diary of ${account.id}` } })
})

test('a step-up has the challenge of RFC 9470 in the error and in the header', async () => {
  const { accessToken } = await signIn(service, account.email)
  const { errors, headers } = await send(withGuards.url, '{ pay }', {}, { token: accessToken })
  expect(errors[0]?.extensions).toMatchObject({ code: 'STEP_UP_REQUIRED', acr: 'mfa', maxAgeSeconds: 600 })
  expect(headers.get('www-authenticate')).toMatch(/acr_values="mfa", max_age="600"$/)
  const strong = forge(service, accessToken, { claims: { acr: 'mfa' } })
  expect((await send(withGuards.url, '{ pay }', {}, { token: strong })).data).toEqual({ pay: true })
})

test('a guard without a resolver fails when the program starts', () => {
  // @ts-expect-error The resolver is missing.
  expect(() => guard('notes:read')).toThrow('resolver')
})
