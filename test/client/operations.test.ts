import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { buildSchema, graphqlSync, Kind, type OperationDefinitionNode, parse, validate } from 'graphql'
import * as accountOperations from '../../src/client/account-operations.ts'
import * as adminOperations from '../../src/client/admin-operations.ts'
import * as factorOperations from '../../src/client/factor-operations.ts'
import { AuthError, createAuthClient } from '../../src/client/index.ts'
import * as sessionOperations from '../../src/client/operations.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const contract = buildSchema(read('../contract/contract.graphql'))
const schema = buildSchema(read('../../schema.graphql'))
const source = ['operations', 'account-operations', 'factor-operations', 'admin-operations']
  .map(name => read(`../../src/client/${name}.ts`))
  .join('\n')
const {
  userFields: _user,
  payloadFields: _payload,
  loginFields: _login,
  ...operations
} = {
  ...sessionOperations,
  ...accountOperations,
  ...factorOperations,
  ...adminOperations,
}

const operationIn = (text: string) =>
  parse(text).definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  )

/** The API has gained these since the contract. */
const NEWER = [
  'UndoEmailChange',
  'ExportAccount',
  'ApiKeys',
  'CreateApiKey',
  'DeleteApiKey',
  'CancelFactorRecovery',
  // Second factors, and what they add to the answers of every way to sign in.
  'Login',
  'Register',
  'Settings',
  ...Object.keys(factorOperations),
  'EmailLink',
  'EndEmailChangeUndo',
  // Sessions tell whether an administrator acts as the user in them.
  'Sessions',
  'RevokeSession',
  'Reauthenticate',
  // Administrators see when an address change can be undone, and metadata.
  ...Object.keys(adminOperations),
]

test.each(Object.entries(operations).filter(([name]) => !NEWER.includes(name)))(
  '%s is valid against the contract',
  (_name, text) => {
    expect(validate(contract, parse(text))).toEqual([])
  },
)

test.each(Object.entries(operations))('%s is valid against the server’s schema', (_name, text) => {
  expect(validate(schema, parse(text))).toEqual([])
})

test.each(Object.entries(operations))('%s has the types of its operation', (name, text) => {
  const operation = operationIn(text)
  const types = `Types.${operation?.name?.value}${operation?.operation === 'query' ? 'Query' : 'Mutation'}`
  expect(operation?.name?.value).toBe(name)
  const declaration = source
    .slice(source.indexOf(`const ${name} =`))
    .split('(')[0]
    ?.replace(/\s/g, '')
  expect(declaration?.replace(',>', '>')).toBe(`const${name}=typed<${types},${types}Variables>`)
})

test('the client has a typed method for every operation of the contract', () => {
  const sent = Object.values(operations).flatMap(text =>
    operationIn(text)?.selectionSet.selections.map(field => field.kind === Kind.FIELD && field.name.value),
  )
  const roots = [contract.getQueryType(), contract.getMutationType()]
  const offered = roots.flatMap(root => Object.keys(root?.getFields() ?? {}))
  expect(offered.length).toBeGreaterThan(20)
  expect(offered.filter(name => !sent.includes(name))).toEqual([])
})

/** A client of a server that implements the contract with the given root values. */
function clientOf(root: Record<string, unknown>, served = contract) {
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
        graphqlSync({ schema: served, source: String(query), rootValue: root, variableValues }),
      )
    },
  })
  return { client, sent }
}

const NAMES = { id: '1', username: null, displayName: 'Ada' }

test('operations from email links and forms send the input of the contract', async () => {
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

test('a registration that requires verification does not sign in', async () => {
  const answer = { register: { __typename: 'EmailVerificationRequired', email: 'ada@example.com' } }
  const { client } = clientOf(answer, schema)
  const outcome = await client.register({ email: 'ada@example.com', password: 'p' })
  expect(outcome).toEqual({ status: 'verificationRequired', email: 'ada@example.com' })
  expect(client.state.user).toBeFalsy()
})

test('an AuthError carries every detail of the server’s error', () => {
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

test('exportAccount joins the parts of a long export', async () => {
  const parts: Record<string, object> = {
    first: { user: { id: '1' }, sessions: [{ id: 'a' }], events: [{ id: 1 }], next: 'second' },
    second: { user: { id: '1' }, sessions: [], events: [{ id: 2 }], next: 'third' },
    third: { user: { id: '1' }, sessions: [{ id: 'b' }], events: [{ id: 3 }] },
  }
  const exportAccount = ({ after }: { after?: string | null }) => JSON.stringify(parts[after ?? 'first'])
  const { client } = clientOf({ exportAccount }, schema)
  expect(await client.exportAccount()).toEqual({
    user: { id: '1' },
    sessions: [{ id: 'a' }, { id: 'b' }],
    events: [{ id: 1 }, { id: 2 }, { id: 3 }],
  })
})
