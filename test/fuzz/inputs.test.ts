import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql'
import { createSchema } from '../../src/graphql/schema.ts'
import { newAddress, PASSWORD, signUp, signUpAdmin } from '../support/actors.ts'
import { anyText, expectHandled } from '../support/fuzz.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'

// Limits are high enough that no request reaches them.
const MANY = '1000000/1h'
const service = useService({
  settings: {
    LIMIT_LOGIN_ACCOUNT: MANY,
    LIMIT_LOGIN_DEVICE: MANY,
    LIMIT_LOGIN_NETWORK: MANY,
    LIMIT_WORK_ACCOUNT: MANY,
    LIMIT_WORK_NETWORK: MANY,
    LIMIT_REGISTER_NETWORK: MANY,
    LIMIT_PROOF_ACCOUNT: MANY,
    LIMIT_PASSKEY_NETWORK: MANY,
    LIMIT_FACTOR_ACCOUNT: MANY,
    LIMIT_FACTOR_DEVICE: MANY,
    LIMIT_REFRESH_NETWORK: MANY,
    LIMIT_MAIL_ADDRESS: MANY,
    LIMIT_MAIL_NETWORK: MANY,
    LIMIT_TOKEN_NETWORK: MANY,
    LIMIT_EMAIL_CODE_ACCOUNT: MANY,
    LIMIT_PROFILE_ACCOUNT: MANY,
    LIMIT_EXPORT_ACCOUNT: MANY,
  },
})

const schema = createSchema()
const operations = [
  ...Object.values(schema.getQueryType()?.getFields() ?? {}).map(field => ['query', field] as const),
  ...Object.values(schema.getMutationType()?.getFields() ?? {}).map(field => ['mutation', field] as const),
].filter(([, field]) => field.args.length > 0)

const RUNS = 40

const DATES = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '2026-02-30T00:00:00Z',
]

/** Values for an input, mostly of its type, so that they pass GraphQL's validation and reach the resolvers. */
function valuesOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return valuesOf(type.ofType)
  if (isListType(type)) return fc.array(valuesOf(type.ofType), { maxLength: 4 })
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(value => value.name))
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
    const required = fields.filter(field => isNonNullType(field.type)).map(field => field.name)
    return fc.record(Object.fromEntries(fields.map(field => [field.name, orWrong(field.type)])), {
      requiredKeys: required,
    })
  }
  switch (type.name) {
    case 'Int':
      return fc.integer()
    case 'Boolean':
      return fc.boolean()
    case 'JSONObject':
      return fc.dictionary(anyText, fc.jsonValue())
    case 'DateTime':
      return fc.oneof(fc.constantFrom(...DATES), anyText)
    default:
      return anyText
  }
}

/** Occasionally a value of another type, or null. */
function orWrong(type: GraphQLInputType): fc.Arbitrary<unknown> {
  const wrong = fc.oneof(fc.constant(null), fc.integer(), fc.jsonValue())
  return fc.oneof({ weight: 12, arbitrary: valuesOf(type) }, { weight: 1, arbitrary: wrong })
}

function documentOf(kind: string, field: GraphQLField<unknown, unknown>): string {
  const variables = field.args.map(arg => `$${arg.name}: ${arg.type}`).join(', ')
  const args = field.args.map(arg => `${arg.name}: $${arg.name}`).join(', ')
  const selection = isCompositeType(getNamedType(field.type)) ? '{ __typename }' : ''
  return `${kind} (${variables}) { ${field.name}(${args}) ${selection} }`
}

const send = (query: string, variables: unknown, token: string | undefined, headers = {}) =>
  fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  })

test.each(operations.map(([kind, field]) => [field.name, documentOf(kind, field), field] as const))(
  '%s answers any input without a fault',
  async (_name, document, field) => {
    const viewer = await signUp(service)
    // A new token each time, because an earlier operation may have ended the session or revoked the signing key.
    const admin = await signUpAdmin(service)
    const variables = fc.record(Object.fromEntries(field.args.map(arg => [arg.name, orWrong(arg.type)])))
    await fc.assert(
      fc.asyncProperty(variables, fc.boolean(), async (given, asAdmin) => {
        await expectHandled(await send(document, given, asAdmin ? admin.accessToken : viewer.accessToken))
      }),
      { numRuns: RUNS },
    )
    // The operation may have ended the viewer's session, or revoked the key that signed the token.
    const states = ['LIVE', 'REVOKED', ...(field.name === 'rotateSigningKey' ? ['INVALID'] : [])]
    expect(states).toContain(await stateOf(service, viewer.accessToken))
    expect(await stateOf(service, (await signUp(service)).accessToken)).toBe('LIVE')
  },
)

describe('an input with one invalid field', () => {
  const good = () => ({ email: newAddress(), password: PASSWORD })
  const register = 'mutation ($input: RegisterInput!) { register(input: $input) { __typename } }'
  const update = 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { displayName } }'

  test.each(['email', 'password', 'username', 'displayName', 'locale', 'deviceName'])(
    'register refuses or takes any %s',
    async name => {
      await fc.assert(
        fc.asyncProperty(anyText, async text => {
          await expectHandled(await send(register, { input: { ...good(), [name]: text } }, undefined))
        }),
        { numRuns: RUNS },
      )
    },
  )

  test.each(['displayName', 'username', 'locale'])(
    'updateProfile accepts or refuses any %s without a fault',
    async name => {
      const { accessToken } = await signUp(service)
      await fc.assert(
        fc.asyncProperty(anyText, async text => {
          await expectHandled(await send(update, { input: { [name]: text } }, accessToken))
        }),
        { numRuns: RUNS },
      )
    },
  )

  test.each(['email', 'password', 'username', 'displayName', 'locale', 'deviceName'])(
    'a NUL in %s, which PostgreSQL cannot store, is refused',
    async name => {
      const answer = await expectHandled(
        await send(register, { input: { ...good(), [name]: 'ada lovelace\0 and more' } }, undefined),
      )
      expect(answer).toMatchObject({
        errors: [
          { extensions: { code: 'BAD_USER_INPUT', fields: { [`input.${name}`]: expect.any(Array) } } },
        ],
      })
    },
  )
})

test('any header value that reaches the database is accepted', async () => {
  const header = fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter(code => code !== 0x7f)
      .map(code => String.fromCharCode(code)),
    maxLength: 300,
  })
  const login =
    'mutation { login(input: { identifier: "unknown", password: "any password" }) { __typename } }'
  await fc.assert(
    fc.asyncProperty(header, anyText, async (userAgent, bearer) => {
      const headers = {
        'user-agent': userAgent,
        cookie: `authograph_refresh=${encodeURIComponent(bearer.slice(0, 500).replace(/\p{Surrogate}/gu, ''))}`,
      }
      const answer = await expectHandled(await send(login, {}, undefined, headers))
      expect(answer).toMatchObject({ errors: [{ extensions: { code: 'INVALID_CREDENTIALS' } }] })
    }),
    { numRuns: RUNS },
  )
})
