import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createSchema, schemaText } from '../../src/graphql/schema.ts'
import { signUp } from '../support/actors.ts'
import { anyText, expectHandled } from '../support/fuzz.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'

const service = useService()

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/graphql',
) =>
  fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

// Without descriptions, so that only names are left.
const names = [
  ...new Set(
    schemaText()
      .replace(/"""[\s\S]*?"""|"[^"]*"/g, '')
      .match(/\b[A-Za-z]\w+\b/g),
  ),
]
const token = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '{',
      '}',
      '(',
      ')',
      '[',
      ']',
      ':',
      '!',
      '$',
      '@',
      '...',
      '=',
      '|',
      '&',
      '"',
      '"""',
      '#',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'query',
      'mutation',
      'subscription',
      'fragment',
      'on',
      'true',
      'null',
      '__schema',
      '__typename',
      '__type',
    ),
  },
  { weight: 4, arbitrary: fc.constantFrom(...names) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.integer().map(String),
      anyText.map(value => JSON.stringify(value)),
    ),
  },
)
const soup = fc.array(token, { maxLength: 40 }).map(tokens => tokens.join(' '))

/** Documents that parse: fields of the schema, nested at random. */
const selection = fc.letrec<{ set: string }>(tie => ({
  set: fc
    .array(
      fc.tuple(
        fc.constantFrom('', 'a: ', '... on '),
        fc.constantFrom(...names),
        fc.constantFrom(
          '',
          ' @skip(if: true)',
          ' @include(if: $no)',
          '(id: 1)',
          '(input: {})',
          '(first: -1)',
        ),
        fc.option(tie('set'), { nil: '', depthSize: 'small' }),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map(fields => `{ ${fields.map(parts => parts.join('')).join(' ')} }`),
})).set
const nearlyDocument = fc
  .tuple(fc.constantFrom('', 'query', 'mutation', 'query A', 'fragment F on User', 'subscription'), selection)
  .map(parts => parts.join(' '))

test('random documents are answered without a fault', async () => {
  const { accessToken } = await signUp(service)
  await fc.assert(
    fc.asyncProperty(fc.oneof(soup, nearlyDocument, anyText), async query => {
      await expectHandled(await post(JSON.stringify({ query }), { authorization: `Bearer ${accessToken}` }))
    }),
    { numRuns: 250 },
  )
})

test('documents with every field, without arguments, are answered without a fault', async () => {
  const schema = createSchema()
  for (const root of [schema.getQueryType(), schema.getMutationType()]) {
    for (const name of Object.keys(root?.getFields() ?? {})) {
      for (const query of [
        `${root?.name.toLowerCase()} { ${name} }`,
        `${root?.name.toLowerCase()} { ${name} { __typename } }`,
      ])
        await expectHandled(await post(JSON.stringify({ query })))
    }
  }
})

test('malformed bodies are answered without a fault', async () => {
  const json = fc.oneof(
    fc.json(),
    fc
      .jsonValue()
      .map(value =>
        JSON.stringify({ query: value, variables: value, operationName: value, extensions: value }),
      ),
    fc.jsonValue().map(value => JSON.stringify({ query: '{ __typename }', variables: value })),
    fc.jsonValue().map(value => JSON.stringify({ query: '{ __typename }', extensions: value })),
    fc.jsonValue().map(value => JSON.stringify({ query: '{ __typename }', operationName: value })),
    fc.constantFrom(
      '',
      'null',
      '[]',
      '[{"query":"{ __typename }"}]',
      '{"query":"{ __typename }"',
      '{"query":"{ __typename }"}}',
      '\ufeff{"query":"{ __typename }"}',
      '{"__proto__":{"query":"{ __typename }"}}',
      '{"query":"{ __typename }","__proto__":null}',
      '{"query":"{ __typename }","constructor":{"prototype":{}}}',
      `{"query":"${'{a'.repeat(5000)}"}`,
      `{"query":"{ __typename }","variables":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `{"query":"${'x'.repeat(70_000)}"}`,
    ),
    anyText,
  )
  await fc.assert(
    fc.asyncProperty(json, async body => {
      await expectHandled(await post(body))
    }),
    { numRuns: 200 },
  )
})

test('binary bodies are answered without a fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async bytes => {
      await expectHandled(await post(new Uint8Array(bytes)))
    }),
    { numRuns: 60 },
  )
})

test('any content type is answered, and only JSON reaches GraphQL', async () => {
  const body = JSON.stringify({ query: '{ __typename }' })
  const type = fc.oneof(
    fc.constantFrom(
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/graphql',
      'application/json; charset=utf-16',
      'application/json;;;=',
      'application/json, text/plain',
      'text/html; application/json',
      ' ',
      '/',
    ),
    fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 60,
    }),
  )
  await fc.assert(
    fc.asyncProperty(type, async contentType => {
      const answer = await expectHandled(await post(body, { 'content-type': contentType }))
      const isJson = /^\s*application\/([\w.-]+\+)?json\b/i.test(contentType)
      if (!isJson) expect(answer).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] })
    }),
    { numRuns: 80 },
  )
})

test('any headers, methods and query strings are answered without a fault', async () => {
  const value = fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter(code => code !== 0x7f)
      .map(code => String.fromCharCode(code)),
    maxLength: 200,
  })
  const header = fc.constantFrom(
    'authorization',
    'accept',
    'origin',
    'cookie',
    'x-forwarded-for',
    'apollo-require-preflight',
    'x-request-id',
    'accept-encoding',
    'if-none-match',
    'sec-fetch-site',
  )
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS')
  await fc.assert(
    fc.asyncProperty(method, fc.dictionary(header, value), anyText, async (verb, headers, asked) => {
      const search = new URLSearchParams({ query: asked.slice(0, 2000), variables: asked.slice(0, 200) })
      const response = await fetch(`${service.url}/graphql?${search}`, {
        method: verb,
        headers: { 'content-type': 'application/json', ...headers },
        ...(verb !== 'GET' && { body: '{"query":"{ me { id } }"}' }),
      })
      await expectHandled(response)
    }),
    { numRuns: 150 },
  )
})

/** The response to raw bytes, which `fetch` would refuse to send. */
async function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.end(bytes, 'latin1')
  return text(socket)
}

test('bytes that are not HTTP are refused, and the server keeps running', async () => {
  const { accessToken } = await signUp(service)
  const line = fc.constantFrom(
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
    'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"query":',
    'GET /graphql\r\n\r\n',
    'GET /graphql HTTP/1.0\r\n\r\n',
    'GET /graphql HTTP/1.1\r\nHost: [::\r\nConnection: close\r\n\r\n',
    'GET /graphql HTTP/1.1\r\nHost: a b%00\r\nConnection: close\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
    `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'GET /%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'TRACE /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'CONNECT /graphql HTTP/1.1\r\nHost: x\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  )
  await fc.assert(
    fc.asyncProperty(fc.oneof(line, fc.string({ unit: 'binary', maxLength: 200 })), async bytes => {
      expect(await raw(bytes)).toMatch(/^(HTTP\/1\.1 [34]\d\d |$)/)
    }),
    { numRuns: 60 },
  )
  expect(await stateOf(service, accessToken)).toBe('LIVE')
})
