import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { buildSchema, type ExecutionResult, execute, GraphQLError, parse, validate } from 'graphql'
import { ArgumentValidationError } from 'type-graphql'
import { AuthError } from '../../src/errors.ts'
import { formatError, isFault } from '../../src/graphql/format-error.ts'

const CANARY = 'hunter2-canary'

const schema = buildSchema(`
  enum Color { RED GREEN }
  scalar Stamp
  input Inner { word: String!, words: [[String!]!], color: Color, count: Int }
  input Outer { password: String!, inner: Inner, inners: [Inner!], color: Color, count: Int, share: Float, sure: Boolean, id: ID, stamp: Stamp }
  type Query { run(input: Outer, word: String, words: [[String!]!], must: String!): String }
`)
const stamp = schema.getType('Stamp')
if (stamp && 'parseValue' in stamp) {
  stamp.parseValue = (value: unknown) => {
    throw new GraphQLError(`Stamp cannot be made of ${String(value)}`)
  }
}

const OPERATION = 'query ($input: Outer!) { run(input: $input, must: "x") }'

/** The errors that a client receives for a request, formatted as Apollo Server requests it. */
function errorsFor(source: string, variableValues: Record<string, unknown> = {}) {
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

/** The `fields` of the only error. */
function fieldsOf(input: unknown): unknown {
  const errors = errorsFor(OPERATION, { input })
  expect(errors.map(error => error.extensions?.code)).toEqual(['BAD_USER_INPUT'])
  expect(JSON.stringify(errors)).not.toContain(CANARY)
  return errors[0]?.extensions?.fields
}

const password = CANARY

describe('the error about the value of a variable names its path and the problem, without the value', () => {
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
    ['a bad enum value', { password, color: CANARY }, { 'input.color': ['This must be a value of Color.'] }],
    ['a near enum value', { password, color: 'REDD' }, { 'input.color': ['This must be a value of Color.'] }],
    ['a number for an enum', { password, color: 4 }, { 'input.color': ['This must be a value of Color.'] }],
    ['text for an Int', { password, count: CANARY }, { 'input.count': ['This must be of type Int.'] }],
    ['a huge Int', { password, count: 2 ** 40 }, { 'input.count': ['This must be of type Int.'] }],
    ['text for a Float', { password, share: CANARY }, { 'input.share': ['This must be of type Float.'] }],
    ['text for a Boolean', { password, sure: CANARY }, { 'input.sure': ['This must be of type Boolean.'] }],
    ['an object for an ID', { password, id: { CANARY } }, { 'input.id': ['This must be of type ID.'] }],
    ['a custom scalar', { password, stamp: CANARY }, { 'input.stamp': ['This value has the wrong type.'] }],
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
      { password, inners: [{ color: 'RED' }] },
      { 'input.inners[0]': ['The field word (String!) is required.'] },
    ],
  ])('%s', (_what, input, fields) => {
    expect(fieldsOf(input)).toEqual(fields)
  })

  test('a missing variable is named', () => {
    const errors = errorsFor(OPERATION)
    expect(errors.map(error => error.extensions)).toEqual([
      { code: 'BAD_USER_INPUT', fields: { input: ['This is required (Outer!).'] } },
    ])
  })

  test('text in the value that looks like a path is not used as the path', () => {
    expect(fieldsOf({ ' at "elsewhere.field"; ': CANARY, password })).toEqual({
      input: ['This value has the wrong type.'],
    })
  })

  test('no error repeats any value', () => {
    const secret = fc.constantFrom(CANARY, `"; ${CANARY}`, ` at "input"; ${CANARY}`, `x" enum. ${CANARY}`)
    const names = fc.constantFrom(
      'password',
      'inner',
      'inners',
      'word',
      'words',
      'color',
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
        expect(JSON.stringify(errorsFor(OPERATION, { input }))).not.toContain(CANARY)
      }),
      { numRuns: 300 },
    )
  })
})

test.each([
  ['query Run($word: String) { run(must: "x") }', 'Variable "$word" is never used in operation "Run".'],
  ['{ run(must: $word) }', 'Variable "$word" is not defined.'],
  [
    `query ($count: Int = 31337) { run(must: $count) }`,
    'Variable "$count" of type "Int" used in position expecting type "String!".',
  ],
  ['query ($run: Query) { run(must: $run) }', 'Variable "$run" cannot be non-input type "Query".'],
])('the error about the declaration of a variable says which one and why: %s', (source, message) => {
  const errors = errorsFor(source)
  expect(errors).toContainEqual({ message, extensions: { code: 'BAD_USER_INPUT' } })
  expect(JSON.stringify(errors)).not.toContain('31337')
})

describe('the error about the text of a query omits its literals', () => {
  test.each([
    [
      `{ run(must: "x", input: { password: "a", count: "${CANARY}" }) }`,
      'Int cannot represent non-integer value.',
    ],
    [`{ run(must: "x", input: "${CANARY}") }`, 'Expected value of type "Outer".'],
    [
      `{ run(must: "x", input: { password: "a", color: "${CANARY}" }) }`,
      'Enum "Color" cannot represent non-enum value.',
    ],
    [
      `{ run(must: "x", input: { password: "a", color: ${CANARY.replaceAll('-', '_')} }) }`,
      'This value does not exist in "Color" enum.',
    ],
    ['{ run(must: 31337) }', 'String cannot represent a non string value.'],
  ])('%s', (source, message) => {
    const errors = errorsFor(source)
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
])('null for a variable with a default is an input error: %s', (source, variableValues, argument) => {
  const { errors = [] } = execute({ schema, document: parse(source), variableValues }) as ExecutionResult
  expect(errors).toHaveLength(1)
  for (const error of errors) {
    const formatted = formatError(error.toJSON(), error)
    expect(formatted.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      fields: { [argument]: ['This value has the wrong type.'] },
    })
    expect(JSON.stringify(formatted)).not.toContain(CANARY)
    expect(isFault(error)).toBe(false)
  }
})

test('an operation type that the schema lacks is an input error', () => {
  const { errors = [] } = execute({ schema, document: parse('subscription { x }') }) as ExecutionResult
  expect(errors.map(error => formatError(error.toJSON(), error).extensions)).toEqual([
    { code: 'BAD_USER_INPUT' },
  ])
})

/** The error of a resolver, as graphql-js wraps it. */
const thrown = (originalError: Error) =>
  new GraphQLError(originalError.message, { path: ['run'], originalError })

test('an AuthError keeps its code, message and extensions, but not its cause', () => {
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
  new GraphQLError(CANARY),
  new GraphQLError(CANARY, { extensions: { code: 31337 } }),
  new GraphQLError(CANARY, { extensions: { code: 'INTERNAL_SERVER_ERROR', hint: CANARY } }),
])('any other error becomes INTERNAL_SERVER_ERROR and is logged', original => {
  const error = thrown(original)
  const formatted = formatError(error.toJSON(), error)
  expect(formatted.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR' })
  expect(JSON.stringify(formatted)).not.toContain(CANARY)
  expect(isFault(error)).toBe(true)
})

test('a GraphQLError that a resolver throws with a code keeps code, message and extensions, and is no fault', () => {
  const error = thrown(
    new GraphQLError('Someone else edits this note.', {
      extensions: { code: 'NOTE_LOCKED', by: 'ada', http: { status: 423 }, stacktrace: ['at notes.ts:1'] },
    }),
  )
  expect(formatError(error.toJSON(), error)).toEqual({
    message: 'Someone else edits this note.',
    path: ['run'],
    extensions: { code: 'NOTE_LOCKED', by: 'ada' },
  })
  expect(isFault(error)).toBe(false)
})

test('an input error of a resolver keeps the message of the resolver', () => {
  const message = 'Value "x" does not exist in "Color" enum of this note.'
  const error = thrown(
    new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', fields: { a: ['b'] } } }),
  )
  expect(formatError(error.toJSON(), error)).toMatchObject({
    message,
    extensions: { code: 'BAD_USER_INPUT', fields: { a: ['b'] } },
  })
})

test('arguments that TypeGraphQL finds invalid are named with their messages, without their values', () => {
  const error = thrown(
    new ArgumentValidationError([
      {
        property: 'input',
        value: CANARY,
        target: { input: CANARY },
        children: [{ property: 'title', value: CANARY, constraints: { maxLength: 'title is too long' } }],
      },
    ] as never),
  )
  const formatted = formatError(error.toJSON(), error)
  expect(formatted.extensions).toEqual({
    code: 'BAD_USER_INPUT',
    fields: { 'input.title': ['title is too long'] },
  })
  expect(JSON.stringify(formatted)).not.toContain(CANARY)
})

test('an overload becomes SERVICE_UNAVAILABLE with retryAfter and is logged', () => {
  const error = thrown(new Error('timeout exceeded when trying to connect'))
  expect(formatError(error.toJSON(), error).extensions).toEqual({
    code: 'SERVICE_UNAVAILABLE',
    retryAfter: 2,
  })
  expect(isFault(error)).toBe(true)
})
