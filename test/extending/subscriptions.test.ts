import { createPubSub } from '@graphql-yoga/subscription'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { createClient } from 'graphql-sse'
import type { SubscribeResolverData } from 'type-graphql'
import {
  Authorized,
  type Context,
  Cost,
  Ctx,
  createSchema,
  Field,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
} from '../../src/index.ts'
import { as, newRole, type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import { eventually } from '../support/eventually.ts'
import { Logout } from '../support/operations.ts'
import { codes, startService, useService } from '../support/service.ts'

const described = { description: 'For a test.' }
const CANARY = 'hunter2-canary'

/** Events that a test sends to one subscription. */
class Source implements AsyncIterableIterator<unknown> {
  ended = false
  #events: unknown[] = []
  #wake = () => {};
  [Symbol.asyncIterator]() {
    return this
  }
  send(event: unknown): void {
    this.#events.push(event)
    this.#wake()
  }
  async next(): Promise<IteratorResult<unknown>> {
    while (this.#events.length === 0 && !this.ended) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    const event = this.#events.shift()
    if (event instanceof Error) throw event
    return this.ended ? { done: true, value: undefined } : { done: false, value: event }
  }
  async return(): Promise<IteratorResult<unknown>> {
    this.ended = true
    this.#wake()
    return { done: true, value: undefined }
  }
}

/** The sources of the subscriptions that have started, the newest last. */
const sources: Source[] = []
const subscribe = (_request: SubscribeResolverData) => {
  const source = new Source()
  sources.push(source)
  return source
}
const newest = () => sources.at(-1) as Source
const topics = createPubSub<{ NOTES: [text: string] }>()

@ObjectType(described)
class Note {
  @Field(() => String, described)
  text!: string

  @Authorized('notes:read')
  @Field(() => String, { ...described, nullable: true })
  secret!: string

  @Cost(6000)
  @Field(() => String, described)
  summary!: string
}

@Resolver()
class NotesResolver {
  @Query(() => Boolean, described)
  anything(): boolean {
    return true
  }

  @Authorized('notes:read')
  @Subscription(() => Note, { ...described, subscribe })
  async noteAdded(@Root() text: string, @Ctx() context: Context): Promise<Note> {
    if (text === 'locked') throw new GraphQLError('Locked.', { extensions: { code: 'NOTE_LOCKED' } })
    if (text === 'broken') throw new Error(CANARY)
    const { account } = await context.viewer()
    return { text: `${text} for ${account.id}`, secret: 'SECRET', summary: '' }
  }

  @Subscription(() => Note, { ...described, subscribe })
  announcement(@Root() text: string): Note {
    return { text, secret: 'SECRET', summary: '' }
  }

  @Subscription(() => String, { ...described, topics: 'NOTES' })
  topic(@Root() text: string): string {
    return text
  }
}

const server = { resolvers: [NotesResolver], permissions: ['notes:read'], pubSub: topics }
const service = useService({ server })

type Result = ExecutionResult<Record<string, unknown>>
type Stream = { results: Result[]; ended: boolean; error: unknown; stop: () => void }
const streams: Stream[] = []

/** Subscribes as a client with graphql-sse does. */
function open(query: string, who?: Pick<SignedIn, 'accessToken'>, url = service.url): Stream {
  const headers: Record<string, string> = who ? { authorization: `Bearer ${who.accessToken}` } : {}
  const client = createClient({ url: `${url}/graphql/stream`, headers, retryAttempts: 0 })
  const stream: Stream = { results: [], ended: false, error: undefined, stop: () => {} }
  stream.stop = client.subscribe<Record<string, unknown>>(
    { query },
    {
      next: result => void stream.results.push(result as Result),
      error: error => {
        stream.error = error
        stream.ended = true
      },
      complete: () => {
        stream.ended = true
      },
    },
  )
  streams.push(stream)
  return stream
}

afterEach(() => {
  for (const { stop } of streams.splice(0)) stop()
})

/** Subscribes, and waits until the server has asked for the source of events. */
async function started(
  query: string,
  who?: Pick<SignedIn, 'accessToken'>,
  url?: string,
): Promise<[Stream, Source]> {
  const before = sources.length
  const stream = open(query, who, url)
  await eventually(() => sources.length > before || stream.ended)
  expect([stream.ended, stream.results]).toEqual([false, []])
  return [stream, newest()]
}

/** The codes of a stream that ended, event by event. */
async function outcome(stream: Stream): Promise<unknown[][]> {
  await eventually(() => stream.ended)
  expect(stream.error).toBeUndefined()
  return stream.results.map(({ errors = [] }) => errors.map(({ extensions }) => extensions?.code))
}

const NOTE_ADDED = 'subscription { noteAdded { text } }'
const reader = () => signUpWith(service, 'admin')

describe('a subscription', () => {
  test('delivers each event, resolved for its viewer, until its client ends it', async () => {
    const ada = await reader()
    const [stream, source] = await started('subscription { noteAdded { text secret } }', ada)
    for (const text of ['one', 'two']) source.send(text)
    await eventually(() => stream.results.length === 2)
    expect(stream.results).toEqual(
      ['one', 'two'].map(text => ({
        data: { noteAdded: { text: `${text} for ${ada.id}`, secret: 'SECRET' } },
      })),
    )
    stream.stop()
    await eventually(() => source.ended)
  })

  test('ends when its source does', async () => {
    const [stream, source] = await started('subscription { announcement { text } }')
    await source.return()
    expect(await outcome(stream)).toEqual([])
  })

  test('receives what is published to its topic', async () => {
    const stream = open('subscription { topic }')
    await eventually(() => {
      topics.publish('NOTES', 'hello')
      return stream.results.length > 0
    })
    expect(stream.results[0]).toEqual({ data: { topic: 'hello' } })
  })

  test('tells of its own errors with their code, and of faults without details', async () => {
    const [stream, source] = await started(NOTE_ADDED, await reader())
    for (const text of ['locked', 'broken', 'fine']) source.send(text)
    await eventually(() => stream.results.length === 3)
    expect(stream.results.map(({ errors }) => errors?.[0]?.extensions?.code)).toEqual([
      'NOTE_LOCKED',
      'INTERNAL_SERVER_ERROR',
      undefined,
    ])
    expect(JSON.stringify(stream.results)).not.toContain(CANARY)
    expect(service.logged.splice(0).join()).toContain(CANARY)
    source.send(new Error(CANARY))
    expect((await outcome(stream)).at(-1)).toEqual(['INTERNAL_SERVER_ERROR'])
    expect(service.logged.splice(0).join()).toContain(CANARY)
  })
})

describe('guards of a subscription', () => {
  test('refuse it before its source is asked for events', async () => {
    const before = sources.length
    expect(await outcome(open(NOTE_ADDED))).toEqual([['UNAUTHENTICATED']])
    expect(await outcome(open(NOTE_ADDED, await signUp(service)))).toEqual([['FORBIDDEN']])
    expect(sources).toHaveLength(before)
  })

  test('hide the fields of each event that they guard', async () => {
    const [stream, source] = await started(
      'subscription { announcement { text secret } }',
      await signUp(service),
    )
    source.send('hi')
    await eventually(() => stream.results.length === 1)
    expect(stream.results[0]).toMatchObject({
      data: { announcement: { text: 'hi', secret: null } },
      errors: [{ path: ['announcement', 'secret'], extensions: { code: 'FORBIDDEN' } }],
    })
  })

  test('refuse the next event once the role is gone, and end the subscription', async () => {
    const role = await newRole(service, 'notes:read')
    const ada = await signUpWith(service, role)
    const [stream, source] = await started(NOTE_ADDED, ada)
    source.send('before')
    await eventually(() => stream.results.length === 1)
    await service.app.db.userRole.deleteMany({ where: { userId: ada.id, roleName: role } })
    source.send('after')
    expect(await outcome(stream)).toEqual([[], ['FORBIDDEN']])
    expect(JSON.stringify(stream.results)).not.toContain('after')
    expect(source.ended).toBe(true)
  })
})

describe('the end of the session', () => {
  test('comes before the next event', async () => {
    const ada = await reader()
    const [stream, source] = await started(NOTE_ADDED, ada)
    await service.send(Logout, {}, as(ada))
    source.send('after')
    expect(await outcome(stream)).toEqual([['UNAUTHENTICATED']])
    expect(JSON.stringify(stream.results)).not.toContain('after')
  })

  test('ends a subscription without events within seconds, and leaves those that need no session', async () => {
    const [ada, eve] = [await reader(), await reader()]
    const [quiet, source] = await started(NOTE_ADDED, ada)
    const [others] = await started(NOTE_ADDED, eve)
    const [open] = await started('subscription { announcement { text } }', ada)
    await service.send(Logout, {}, as(ada))
    expect(await outcome(quiet)).toEqual([['UNAUTHENTICATED']])
    expect(quiet.results[0]?.errors?.[0]?.extensions?.reason).toBe('REVOKED')
    expect([source.ended, others.ended, open.ended]).toEqual([true, false, false])
  })

  test('comes with the end of the access token, so that the client connects with a new one', async () => {
    const [stream] = await started(NOTE_ADDED, await reader())
    service.clock.advance(service.app.config.tokens.accessTtlSeconds + 61)
    await outcome(stream)
    expect(stream.results[0]?.errors?.[0]?.extensions?.reason).toBe('EXPIRED')
  })
})

describe('limits of subscriptions', () => {
  test('are those of other documents', async () => {
    expect(await outcome(open('subscription { announcement { summary } }'))).toEqual([['QUERY_TOO_COMPLEX']])
    expect(await outcome(open('subscription { nothing }'))).toEqual([['BAD_USER_INPUT']])
    expect(await outcome(open('{ anything }'))).toEqual([['BAD_USER_INPUT']])
    expect(await outcome(open('subscription {'))).toEqual([['BAD_USER_INPUT']])
    expect(codes(await service.send(NOTE_ADDED))).toEqual(['BAD_USER_INPUT'])
  })

  test('allow 20 of one account at the same time, and another one when one has ended', async () => {
    const ada = await reader()
    const [first] = await started(NOTE_ADDED, ada)
    for (let count = 1; count < 20; count++) await started(NOTE_ADDED, ada)
    expect(await outcome(open(NOTE_ADDED, ada))).toEqual([['RATE_LIMITED']])
    expect(newest().ended).toBe(true)
    await started(NOTE_ADDED, await reader())
    first.stop()
    await eventually(async () => {
      const stream = open(NOTE_ADDED, ada)
      const before = sources.length
      await eventually(() => stream.ended || sources.length > before)
      return !stream.ended
    })
  })

  test('require a client that reads event streams', async () => {
    const response = await fetch(`${service.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: NOTE_ADDED }),
    })
    expect(response.status).toBe(406)
    expect(codes((await response.json()) as never)).toEqual(['BAD_USER_INPUT'])
  })
})

test('a shutdown ends the subscriptions', async () => {
  const replica = await startService({ server, databaseUrl: service.app.config.database.url ?? '' })
  const [stream, source] = await started('subscription { announcement { text } }', undefined, replica.url)
  await replica.close()
  expect([await outcome(stream), source.ended]).toEqual([[], true])
})

test('a server without subscriptions has no address for them', async () => {
  expect(() => createSchema([NotesResolver])).toThrow(
    'NotesResolver.topic subscribes to topics. Pass the pubSub option, or give it a subscribe function.',
  )
  const plain = await startService({ databaseUrl: service.app.config.database.url ?? '' })
  try {
    expect((await fetch(`${plain.url}/graphql/stream`, { method: 'POST' })).status).toBe(404)
  } finally {
    await plain.close()
  }
})
