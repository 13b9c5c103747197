import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { buildSchema, graphqlSync, Kind, type OperationDefinitionNode, parse, validate } from 'graphql'
import { AuthError, createAuthClient } from '../../src/client/index.ts'
import * as operations from '../../src/client/operations.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const contract = buildSchema(read('../contract/contract.graphql'))
const schema = buildSchema(read('../../schema.graphql'))
const source = read('../../src/client/operations.ts')

const operationIn = (text: string) =>
  parse(text).definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  )

test.each(Object.entries(operations))('%s fits the contract', (_name, text) => {
  expect(validate(contract, parse(text))).toEqual([])
})

test.each(Object.entries(operations))('%s fits the server', (_name, text) => {
  expect(validate(schema, parse(text))).toEqual([])
})

test.each(Object.entries(operations))('%s has the types of the operation that it sends', (name, text) => {
  const operation = operationIn(text)
  const types = `Types.${operation?.name?.value}${operation?.operation === 'query' ? 'Query' : 'Mutation'}`
  expect(operation?.name?.value).toBe(name)
  const declaration = source
    .slice(source.indexOf(`const ${name} =`))
    .split('(')[0]
    ?.replace(/\s/g, '')
  expect(declaration?.replace(',>', '>')).toBe(`const${name}=typed<${types},${types}Variables>`)
})

/** A client of a server that knows the whole contract and answers what it is told to. */
function clientOf(root: Record<string, unknown>) {
  const sent: unknown[] = []
  const client = createAuthClient({
    url: 'http://localhost/graphql',
    transport: 'body',
    fetch: async (_url, init) => {
      const { query, variables } = JSON.parse(String(init?.body)) as Record<string, string>
      const { input } = (variables ?? {}) as { input?: unknown }
      sent.push(input)
      const variableValues = variables as unknown as Record<string, unknown>
      return Response.json(
        graphqlSync({ schema: contract, source: String(query), rootValue: root, variableValues }),
      )
    },
  })
  return { client, sent }
}

const NAMES = { id: '1', username: null, displayName: 'Ada' }

test('what mails and forms ask for is sent as the contract has it', async () => {
  const { client, sent } = clientOf({
    requestPasswordReset: true,
    resetPassword: true,
    resendVerificationEmail: true,
    verifyEmail: NAMES,
    requestEmailChange: true,
    confirmEmailChange: NAMES,
    deleteAccount: true,
  })
  await client.requestPasswordReset('ada@example.com')
  await client.resetPassword({ token: 't', newPassword: 'p' })
  await client.resendVerificationEmail('ada@example.com')
  expect(await client.verifyEmail('t')).toEqual(NAMES)
  await client.requestEmailChange('lovelace@example.com')
  expect(await client.confirmEmailChange('t')).toEqual(NAMES)
  await client.deleteAccount()
  expect(sent).toEqual([
    { email: 'ada@example.com' },
    { token: 't', newPassword: 'p' },
    { email: 'ada@example.com' },
    { token: 't' },
    { newEmail: 'lovelace@example.com' },
    { token: 't' },
    undefined,
  ])
})

test('a registration that must be verified first signs nobody in', async () => {
  const { client } = clientOf({
    register: { __typename: 'EmailVerificationRequired', email: 'ada@example.com' },
  })
  const outcome = await client.register({ email: 'ada@example.com', password: 'p' })
  expect(outcome).toEqual({ status: 'verificationRequired', email: 'ada@example.com' })
  expect(client.state.user).toBeFalsy()
})

test('an error says everything that the server said', () => {
  const error = new AuthError({
    message: 'Some of the input is not valid.',
    extensions: { code: 'BAD_USER_INPUT', fields: { 'input.email': ['This is no address.'] }, retryAfter: 3 },
  })
  expect(error).toMatchObject({
    code: 'BAD_USER_INPUT',
    message: 'Some of the input is not valid.',
    fields: { 'input.email': ['This is no address.'] },
    retryAfterSeconds: 3,
  })
  const taken = new AuthError({ message: 'Taken.', extensions: { code: 'EMAIL_TAKEN', field: 'email' } })
  expect(taken.fields).toEqual({ 'input.email': ['Taken.'] })
  expect(new AuthError({ message: 'No code.' }).code).toBe('INTERNAL_SERVER_ERROR')
})
