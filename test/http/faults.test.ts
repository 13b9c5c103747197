import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { GraphQLError } from 'graphql'
import { Arg, AuthError, type Context, Ctx, Int, Query, Resolver } from '../../src/index.ts'
import { type Service, startService } from '../support/service.ts'

/** Part of every text that must not reach clients. */
const CANARY = 'canary-of-the-inside'

@Resolver()
class FaultyResolver {
  @Query(() => String)
  error(): string {
    throw new Error(`${CANARY}: connect to postgres://admin:hunter2@db`)
  }

  @Query(() => String)
  async rejection(@Arg('secret', () => String, { nullable: true }) _secret?: string): Promise<string> {
    throw new TypeError(CANARY, { cause: new Error(CANARY) })
  }

  @Query(() => String)
  text(): string {
    throw CANARY
  }

  @Query(() => String)
  noCode(): string {
    throw new GraphQLError(CANARY)
  }

  @Query(() => Int)
  wrongType(): unknown {
    return CANARY
  }

  @Query(() => String)
  nothing(): unknown {
    return null
  }

  @Query(() => String)
  async sql(@Ctx() { app }: Context): Promise<string> {
    await app.pool.query(`SELECT "${CANARY}" FROM users`)
    return ''
  }

  @Query(() => String)
  async prisma(@Ctx() { app }: Context): Promise<string> {
    await app.db.user.findUniqueOrThrow({ where: { id: CANARY } })
    return ''
  }

  @Query(() => String)
  expected(): string {
    throw new AuthError('CONFLICT', { cause: new Error(CANARY), extensions: { hint: 'try later' } })
  }
}

const faults = ['error', 'rejection', 'text', 'noCode', 'wrongType', 'nothing', 'sql', 'prisma'] as const

describe.each(['development', 'production'])('in %s', NODE_ENV => {
  let service: Service
  beforeAll(async () => {
    service = await startService({ settings: { NODE_ENV }, server: { resolvers: [FaultyResolver] } })
  })
  afterAll(() => service.close())

  test.each(faults)('a fault (%s) shows clients only its request ID', async name => {
    const { errors, headers, data } = await service.send(`{ ${name} }`)
    const requestId = headers.get('x-request-id')
    expect(data).toBeNull()
    expect(errors).toEqual([
      {
        message:
          'Something went wrong on the server. Try again. If the problem persists, report the request ID.',
        locations: [{ line: 1, column: 3 }],
        path: [name],
        extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
      },
    ])
    expect(JSON.stringify([...headers])).not.toContain(CANARY)
    const lines = service.logged.splice(0).map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toEqual([expect.objectContaining({ msg: 'request failed', requestId, path: [name] })])
  })

  test('the log has the message and the stack of a fault, but not the request’s variables', async () => {
    const password = 'hunter2-of-the-client'
    await service.send('query ($secret: String) { rejection(secret: $secret) }', { secret: password })
    const [line = ''] = service.logged.splice(0)
    expect(JSON.parse(line)).toMatchObject({
      err: {
        type: 'TypeError',
        message: expect.stringContaining(CANARY),
        stack: expect.stringContaining('faults'),
      },
    })
    expect(line).not.toContain(password)
  })

  test('two faults in one request have the same request ID', async () => {
    const { errors, headers } = await service.send('{ error __typename rejection }')
    expect(errors.map(error => error.extensions.requestId)).toContain(headers.get('x-request-id'))
    expect(new Set(errors.map(error => error.extensions.requestId)).size).toBe(1)
    expect(service.logged.splice(0).length).toBeGreaterThan(0)
  })

  test('an expected error shows its code and extensions, never its cause, and is not logged', async () => {
    const { errors } = await service.send('{ expected }')
    expect(errors[0]?.extensions).toEqual({ code: 'CONFLICT', hint: 'try later' })
    expect(JSON.stringify(errors)).not.toContain(CANARY)
    expect(service.logged).toEqual([])
  })
})
