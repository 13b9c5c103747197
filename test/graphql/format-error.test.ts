import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { buildSchema, type ExecutionResult, execute, GraphQLError, parse, validate } from 'graphql'
import { AuthError } from '../../src/errors.ts'
import { formatError, isFault } from '../../src/graphql/format-error.ts'

const CANARY = 'hunter2-canary'

const schema = buildSchema(`
  enum Colour { RED GREEN }
  scalar Stamp
  input Inner { word: String!, words: [[String!]!], colour: Colour, count: Int }
  input Outer { password: String!, inner: Inner, inners: [Inner!], colour: Colour, count: Int, share: Float, sure: Boolean, id: ID, stamp: Stamp }
  type Query { run(input: Outer, word: String, words: [[String!]!], must: String!): String }
`)
const stamp = schema.getType('Stamp')
if (stamp && 'parseValue' in stamp) {
  stamp.parseValue = (value: unknown) => {
    throw new GraphQLError(`Stamp cannot be made of ${String(value)}`)
  }
}

const OPERATION = 'query ($input: Outer!) { run(input: $input, must: "x") }'

/** What a client is told of the faults of a request, as Apollo Server would ask for it. */
function told(source: string, variableValues: Record<string, unknown> = {}) {
  const document = parse(source)
  const invalid = validate(schema, document)
  const { errors = [] } =
    invalid.length > 0
      ? { errors: invalid }
      : (execute({ schema, document, variableValues }) as ExecutionResult)
  return errors.map(error => {
    const coded = new GraphQLError(error.message, { extensions: { code: 'BAD_USER_INPUT' } })
    return formatError(coded.toJSON(), coded)
  })
}

/** The `fields` of the one error there is. */
function fieldsOf(input: unknown): unknown {
  const errors = told(OPERATION, { input })
  expect(errors.map(error => error.extensions?.code)).toEqual(['BAD_USER_INPUT'])
  expect(JSON.stringify(errors)).not.toContain(CANARY)
  return errors[0]?.extensions?.fields
}

const password = CANARY

describe('a fault in a variable is told by its path, in our words and without the value', () => {
  test.each<[string, unknown, Record<string, string[]>]>([
    ['text for an object', CANARY, { input: ['This must be an object of type Outer.'] }],
    ['null for an object', null, { input: ['This is required (Outer!).'] }],
    ['a number for text', { password: 31337 }, { 'input.password': ['This must be of type String.'] }],
    ['a list for text', { password: [CANARY] }, { 'input.password': ['This must be of type String.'] }],
    [
      'an object for text',
      { password: { [CANARY]: 1 } },
      { 'input.password': ['This must be of type String.'] },
    ],
    ['null for required text', { password: null }, { 'input.password': ['This is required (String!).'] }],
    ['a missing field', { id: CANARY }, { input: ['The field password (String!) is required.'] }],
    ['an unknown field', { password, passwort: CANARY }, { input: ['Outer has no field passwort.'] }],
    [
      'a bad enum value',
      { password, colour: CANARY },
      { 'input.colour': ['This must be a value of Colour.'] },
    ],
    [
      'a near enum value',
      { password, colour: 'REDD' },
      { 'input.colour': ['This must be a value of Colour.'] },
    ],
    [
      'a number for an enum',
      { password, colour: 4 },
      { 'input.colour': ['This must be a value of Colour.'] },
    ],
    ['text for an Int', { password, count: CANARY }, { 'input.count': ['This must be of type Int.'] }],
    ['a huge Int', { password, count: 2 ** 40 }, { 'input.count': ['This must be of type Int.'] }],
    ['text for a Float', { password, share: CANARY }, { 'input.share': ['This must be of type Float.'] }],
    ['text for a Boolean', { password, sure: CANARY }, { 'input.sure': ['This must be of type Boolean.'] }],
    ['an object for an ID', { password, id: { CANARY } }, { 'input.id': ['This must be of type ID.'] }],
    [
      'a scalar of its own',
      { password, stamp: CANARY },
      { 'input.stamp': ['This value does not fit its type.'] },
    ],
    [
      'a field inside a list',
      { password, inners: [{ word: CANARY }, { word: [CANARY] }] },
      { 'input.inners[1].word': ['This must be of type String.'] },
    ],
    [
      'a list inside a list',
      { password, inner: { word: CANARY, words: [[CANARY], [CANARY, null]] } },
      { 'input.inner.words[1][1]': ['This is required (String!).'] },
    ],
    [
      'a missing field of a list',
      { password, inners: [{ colour: 'RED' }] },
      { 'input.inners[0]': ['The field word (String!) is required.'] },
    ],
  ])('%s', (_what, input, fields) => {
    expect(fieldsOf(input)).toEqual(fields)
  })

  test('a variable that is not given', () => {
    const errors = told(OPERATION)
    expect(errors.map(error => error.extensions)).toEqual([
      { code: 'BAD_USER_INPUT', fields: { input: ['This is required (Outer!).'] } },
    ])
  })

  test('a name in the value that looks like a path is not taken for one', () => {
    expect(fieldsOf({ ' at "elsewhere.field"; ': CANARY, password })).toEqual({
      input: ['This value does not fit its type.'],
    })
  })

  test('whatever is sent, no value comes back', () => {
    const secret = fc.constantFrom(CANARY, `"; ${CANARY}`, ` at "input"; ${CANARY}`, `x" enum. ${CANARY}`)
    const names = fc.constantFrom(
      'password',
      'inner',
      'inners',
      'word',
      'words',
      'colour',
      'count',
      'id',
      'stamp',
    )
    const { value } = fc.letrec(tie => ({
      value: fc.oneof({ maxDepth: 4 }, secret, tie('list'), tie('object')),
      list: fc.array(tie('value'), { maxLength: 3 }),
      object: fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    }))
    fc.assert(
      fc.property(value, input => {
        expect(JSON.stringify(told(OPERATION, { input }))).not.toContain(CANARY)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a fault in the text of a query is told without its literals', () => {
  test.each([
    [
      `{ run(must: "x", input: { password: "a", count: "${CANARY}" }) }`,
      'Int cannot represent non-integer value.',
    ],
    [`{ run(must: "x", input: "${CANARY}") }`, 'Expected value of type "Outer".'],
    [
      `{ run(must: "x", input: { password: "a", colour: "${CANARY}" }) }`,
      'Enum "Colour" cannot represent non-enum value.',
    ],
    [
      `{ run(must: "x", input: { password: "a", colour: ${CANARY.replaceAll('-', '_')} }) }`,
      'This value does not exist in "Colour" enum.',
    ],
    ['{ run(must: 31337) }', 'String cannot represent a non string value.'],
  ])('%s', (source, message) => {
    const errors = told(source)
    expect(errors).toEqual([{ message, extensions: { code: 'BAD_USER_INPUT' } }])
  })

  test.each([
    [`{ run("${CANARY}") }`, 'Syntax Error: Expected Name, found String.'],
    [`{ run(must: "x" """${CANARY}""") }`, 'Syntax Error: Expected Name, found BlockString.'],
    ['{ run(31337) }', 'Syntax Error: Expected Name, found Int.'],
    ['{ run(must: ', 'Syntax Error: Unexpected <EOF>.'],
  ])('%s', (source, message) => {
    const syntaxError = (): GraphQLError => {
      try {
        parse(source)
      } catch (error) {
        return new GraphQLError((error as GraphQLError).message, {
          extensions: { code: 'GRAPHQL_PARSE_FAILED' },
        })
      }
      throw new Error('it parses')
    }
    const error = syntaxError()
    expect(formatError(error.toJSON(), error)).toEqual({ message, extensions: { code: 'BAD_USER_INPUT' } })
  })
})

test.each([
  ['query ($word: String = "x") { run(must: $word) }', { word: null }, 'must'],
  ['query ($sure: Boolean = true) { __typename @include(if: $sure) }', { sure: null }, 'if'],
  [
    `query ($word: String = "x") { run(must: "x", input: { password: $word, id: "${CANARY}" }) }`,
    { word: null },
    'input',
  ],
])('null for what a default made optional is the client’s fault: %s', (source, variableValues, argument) => {
  const { errors = [] } = execute({ schema, document: parse(source), variableValues }) as ExecutionResult
  expect(errors).toHaveLength(1)
  for (const error of errors) {
    const formatted = formatError(error.toJSON(), error)
    expect(formatted.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      fields: { [argument]: ['This value does not fit its type.'] },
    })
    expect(JSON.stringify(formatted)).not.toContain(CANARY)
    expect(isFault(error)).toBe(false)
  }
})

test('an operation of a kind that the schema lacks is the client’s fault', () => {
  const { errors = [] } = execute({ schema, document: parse('subscription { x }') }) as ExecutionResult
  expect(errors.map(error => formatError(error.toJSON(), error).extensions)).toEqual([
    { code: 'BAD_USER_INPUT' },
  ])
})

/** As graphql-js hands on what a resolver threw. */
const thrown = (originalError: Error) =>
  new GraphQLError(originalError.message, { path: ['run'], originalError })

test('what a resolver throws on purpose keeps its code, message and extensions, and loses its cause', () => {
  const error = thrown(
    new AuthError('CONFLICT', { message: 'No.', extensions: { hint: 1 }, cause: new Error(CANARY) }),
  )
  expect(formatError(error.toJSON(), error)).toEqual({
    message: 'No.',
    path: ['run'],
    extensions: { code: 'CONFLICT', hint: 1 },
  })
  expect(isFault(error)).toBe(false)
})

test.each([
  new Error(CANARY),
  Object.assign(new Error(CANARY), { extensions: { code: 'BAD_USER_INPUT' } }),
  new GraphQLError(CANARY, { extensions: { code: 'CANARY' } }),
])('anything else becomes INTERNAL_SERVER_ERROR, and the log hears of it', original => {
  const error = thrown(original)
  const formatted = formatError(error.toJSON(), error)
  expect(formatted.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR' })
  expect(JSON.stringify(formatted)).not.toContain(CANARY)
  expect(isFault(error)).toBe(true)
})

test('a server that is overloaded says when to come back, and the log hears of it', () => {
  const error = thrown(new Error('timeout exceeded when trying to connect'))
  expect(formatError(error.toJSON(), error).extensions).toEqual({
    code: 'SERVICE_UNAVAILABLE',
    retryAfter: 2,
  })
  expect(isFault(error)).toBe(true)
})
