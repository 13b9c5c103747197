import { beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { buildSchema, getIntrospectionQuery, parse, specifiedRules, validate } from 'graphql'
import { limitsRule } from '../../src/graphql/limits.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { DEFAULT_LIMITS as limits } from '../../src/request-limits.ts'
import { signUpWith } from '../support/actors.ts'
import { examples } from '../support/examples.ts'
import { codes, type Reply, useService } from '../support/service.ts'

const service = useService()
const schema = createSchema()

const times = (count: number, text: string | ((at: number) => string)) =>
  Array.from({ length: count }, (_, at) => (typeof text === 'string' ? text : text(at))).join(' ')
const nested = (depth: number, inner = 'id') => `${'a { '.repeat(depth - 1)}${inner}${' }'.repeat(depth - 1)}`

/** Documents that no legitimate client sends, each with the code that refuses it. */
const attacks: [name: string, code: string, document: string][] = [
  ['2,000 levels', 'QUERY_TOO_COMPLEX', `{ ${nested(2000)} }`],
  [
    '2,000 levels of a field that there is',
    'QUERY_TOO_COMPLEX',
    `{ ${'me { '.repeat(2000)}id${' }'.repeat(2000)} }`,
  ],
  ['60,000 brackets', 'QUERY_TOO_COMPLEX', `{ user(id: ${'['.repeat(60_000)}`],
  [
    '30,000 pairs of brackets',
    'QUERY_TOO_COMPLEX',
    `{ user(id: ${'['.repeat(30_000)}${']'.repeat(30_000)}) { id } }`,
  ],
  ['60,000 braces', 'BAD_USER_INPUT', '{'.repeat(60_000)],
  ['60,000 brackets of a type', 'QUERY_TOO_COMPLEX', `query ($v: ${'['.repeat(60_000)}`],
  ['20,000 directives', 'QUERY_TOO_COMPLEX', `{ __typename ${'@a'.repeat(20_000)} }`],
  [
    'directives below the limit of tokens',
    'QUERY_TOO_COMPLEX',
    `{ ${times(70, 'a: __typename @skip(if: false)')} }`,
  ],
  ['aliases', 'QUERY_TOO_COMPLEX', `{ ${times(300, at => `a${at}: __typename`)} }`],
  [
    'aliases of fields that cost',
    'QUERY_TOO_COMPLEX',
    `{ ${times(60, at => `a${at}: authSettings { locales }`)} }`,
  ],
  [
    '30 fragments that double',
    'QUERY_TOO_COMPLEX',
    `{ me { ...F0 } } ${times(30, at => `fragment F${at} on User { sessions { id } ...F${at + 1} ...F${at + 1} }`)} fragment F30 on User { id }`,
  ],
  [
    '30 fragments that double by aliases',
    'QUERY_TOO_COMPLEX',
    `{ ...F0 } ${times(30, at => `fragment F${at} on Query { a${at}: me { id } ...F${at + 1} ...F${at + 1} }`)} fragment F30 on Query { __typename }`,
  ],
  ['a fragment inside of itself', 'BAD_USER_INPUT', '{ ...A } fragment A on Query { ...A }'],
  [
    'fragments in a ring of 30',
    'BAD_USER_INPUT',
    `{ ...F0 } ${times(30, at => `fragment F${at} on Query { ...F${(at + 1) % 30} }`)}`,
  ],
  [
    'a fragment inside of itself below a field',
    'BAD_USER_INPUT',
    '{ me { ...A } } fragment A on User { id ...B } fragment B on User { ...A }',
  ],
  [
    'introspection in rings',
    'BAD_USER_INPUT',
    `{ __schema { types { ${'fields { type { '.repeat(4)}name${' } }'.repeat(4)} } } }`,
  ],
  ['one field after the other', 'BAD_USER_INPUT', `{ ${times(960, 'nothing')} }`],
  [
    'fields that must be compared pairwise',
    'BAD_USER_INPUT',
    `{ ${times(190, at => `me { id nothing${at} }`)} }`,
  ],
]

test.each(attacks)(
  '%s: refused for under 200 ms of work, and the process lives',
  async (_name, code, document) => {
    let workMs = Number.POSITIVE_INFINITY
    // CPU time, because the machine may be busy; measured more than once, because the first run includes warm-up.
    for (let round = 0; round < 3 && workMs >= 200; round++) {
      const before = process.cpuUsage()
      const reply = await service.send(document)
      const { user, system } = process.cpuUsage(before)
      workMs = (user + system) / 1000
      expect([reply.data, ...new Set(codes(reply))]).toEqual([undefined, code])
    }
    expect(workMs).toBeLessThan(200)
    expect((await service.send('{ __typename }')).data).toEqual({ __typename: 'Query' })
  },
)

test('60,000 brackets in the variables are refused', async () => {
  const deep = (count: number, inner: unknown) => {
    let value = inner
    for (let depth = 0; depth < count; depth++) value = [value]
    return value
  }
  const query = 'query ($id: ID!) { user(id: $id) { id } }'
  // As text, because JSON.stringify overflows the stack where JSON.parse does not.
  const body = `{"query":${JSON.stringify(query)},"variables":{"id":${'['.repeat(29_000)}${']'.repeat(29_000)}}}`
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] })
  expect(codes(await service.send(query, { id: deep(500, 'x') }))).toEqual(['BAD_USER_INPUT'])
  expect((await service.send('{ __typename }')).data).toEqual({ __typename: 'Query' })
})

describe('a document', () => {
  const problems = (document: string) =>
    validate(schema, parse(document), [limitsRule()]).map(error => /: (.*)\. Split/.exec(error.message)?.[1])

  test.each([
    ['with the maximum depth', `{ ${nested(limits.depth)} }`, []],
    [
      'one level too deep',
      `{ ${nested(limits.depth + 1)} }`,
      [`it nests deeper than ${limits.depth} fields`],
    ],
    [
      'too deep through fragments',
      `{ a { ...F } } fragment F on User { ... on User { ${nested(limits.depth)} } }`,
      [`it nests deeper than ${limits.depth} fields`],
    ],
    ['with the maximum number of aliases', `{ ${times(limits.aliases, at => `a${at}: __typename`)} }`, []],
    [
      'with one alias too many, in an unused fragment',
      `{ __typename } fragment F on Query { ${times(limits.aliases + 1, at => `a${at}: __typename`)} }`,
      [`it has more than ${limits.aliases} aliases`],
    ],
    ['with the maximum number of directives', `{ __typename ${times(limits.directives, '@a')} }`, []],
    [
      'with one directive too many, in different places',
      `query Q @a { ...F @a ... @a { __typename } } fragment F on Query @a { __typename ${times(limits.directives - 3, '@a')} }`,
      [`it has more than ${limits.directives} directives`],
    ],
    ['with the maximum number of sensitive mutations', `mutation { ${times(3, at => `a${at}: login`)} }`, []],
    ['with one sensitive mutation repeated under the same name', `mutation { ${times(20, 'login')} }`, []],
    ['with harmless mutations', `mutation { ${times(20, at => `a${at}: logout`)} }`, []],
    [
      'with too many sensitive mutations',
      'mutation { login register a: login b: refreshToken }',
      ['it has more than 3 sensitive mutations'],
    ],
    [
      'with many sensitive mutations in fragments or with @skip',
      'mutation { login ...F ... { b: login @skip(if: true) } } fragment F on Mutation { c: login ...G } fragment G on Mutation { d: login ...F }',
      ['it has more than 3 sensitive mutations'],
    ],
  ])('%s', (_name, document, expected) => {
    expect(problems(document)).toEqual(expected)
  })

  test.each(['login', 'register', 'refreshToken', 'reauthenticate', 'changePassword'])(
    'counts %s as sensitive',
    name => {
      expect(problems(`mutation { ${times(4, at => `a${at}: ${name}`)} }`)).toHaveLength(1)
    },
  )

  test('costs as many objects as its lists can return', () => {
    const page = (page: string) => `auditLog${page} { nodes { actor { sessions { id } } } edges { cursor } }`
    // 1 + n · (1 + 1 + 20) + n
    expect(problems(`{ ${page('(first: 100)')} b: ${page('(first: 100)')} }`)).toEqual([])
    const tooMuch = [`it could return more than ${limits.cost} objects`]
    expect(
      problems(`{ ${page('(first: 100)')} b: ${page('(last: 100)')} c: ${page('(first: 20)')} }`),
    ).toEqual(tooMuch)
    for (const free of [
      '(first: -100000)',
      '(first: 0)',
      '(first: $n)',
      '(first: 9999999999)',
      '(last: null)',
    ]) {
      expect(problems(`{ ${page('(first: 100)')} b: ${page('(first: 100)')} c: ${page(free)} }`)).toEqual(
        tooMuch,
      )
    }
    const fragment = 'fragment P on AuditEventConnection { nodes { actor { sessions { id } } } }'
    expect(problems(`{ auditLog(first: 100) { ...P } } ${fragment}`)).toEqual([])
    expect(
      problems(
        `{ auditLog(first: 1) { ...P } b: auditLog(first: 100) { ...P } c: auditLog(first: 100) { ...P } d: auditLog(first: 30) { ...P } } ${fragment}`,
      ),
    ).toEqual(tooMuch)
  })

  test('of any shape is measured, and no part lowers the cost of the rest', () => {
    const shape = buildSchema('type Query { list(first: Int): [Query!]! one: Query leaf: Int }')
    const cost = (document: string) => validate(shape, parse(document), [limitsRule()]).length
    const tree = fc.letrec(tie => ({
      node: fc.oneof({ depthSize: 'small' }, fc.constant('leaf'), tie('list'), tie('one')),
      list: fc
        .tuple(fc.integer({ min: -1000, max: 1000 }), tie('node'))
        .map(([n, inner]) => `list(first: ${n}) { ${inner} }`),
      one: tie('node').map(inner => `one { ${inner} }`),
    })).node as fc.Arbitrary<string>
    fc.assert(
      fc.property(tree, tree, (one, two) => {
        expect(cost(`{ x { ${one} } y { ${two} } }`)).toBeGreaterThanOrEqual(cost(`{ x { ${one} } }`))
      }),
    )
  })
})

describe('documents of legitimate clients are accepted:', () => {
  test.each(examples(schema).map(({ coordinate, text }) => [coordinate, text]))(
    'the example of %s',
    (_name, text) => {
      expect(
        validate(schema, parse(text, { maxTokens: limits.tokens }), [...specifiedRules, limitsRule()]),
      ).toEqual([])
    },
  )

  test('the complete introspection query of graphql-js', async () => {
    const everything = {
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    }
    const reply = await service.send(getIntrospectionQuery(everything))
    expect(codes(reply)).toEqual([])
  })

  let token: string
  beforeAll(async () => {
    token = (await signUpWith(service, 'admin')).accessToken
  })

  test('the longest page of the audit log, with actors, subjects and sessions', async () => {
    const reply: Reply<unknown> = await service.send(
      `{ auditLog(first: 100) { totalCount pageInfo { hasNextPage } edges { cursor node {
        id at action detail ipAddress actor { id email roles sessions { id } } subject { id email } } } } }`,
      {},
      { token },
    )
    expect(codes(reply)).toEqual([])
  })
})
