import { connect } from 'node:net'
import { expect, test } from '@jest/globals'
import { PASSWORD, signUp } from '../support/actors.ts'
import { Me, Register } from '../support/operations.ts'
import { type ErrorFacts, useService } from '../support/service.ts'

const service = useService()
const query = '{ __typename }'

type Answer = { status: number; body: { data?: unknown; errors?: ErrorFacts[] } }

async function post(body: string | Uint8Array<ArrayBuffer>, type?: string): Promise<Answer> {
  return request('/graphql', {
    method: 'POST',
    body,
    headers: type === undefined ? {} : { 'content-type': type },
  })
}

async function request(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(service.url + path, init)
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** Refused before anything runs, with one of our own messages. */
function refused(status: number, message: string): Answer {
  return { status, body: { errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] } }
}

const wrongType = refused(415, 'Send the request as application/json.')

test.each([
  'text/plain',
  'text/plain;charset=UTF-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/jsonp',
])('a body that any page could send without a preflight (%s) is refused', async type => {
  expect(await post(JSON.stringify({ query: 'mutation { logout }' }), type)).toEqual(wrongType)
})

test('a body without a content type is refused', async () => {
  expect(await post(new Uint8Array(Buffer.from(JSON.stringify({ query }))))).toEqual(wrongType)
})

test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
  'a query with the content type %s is answered',
  async type => {
    expect(await post(JSON.stringify({ query }), type)).toEqual({
      status: 200,
      body: { data: { __typename: 'Query' } },
    })
  },
)

test('a mutation by GET is refused and does nothing', async () => {
  const { accessToken } = await signUp(service)
  const response = await request('/graphql?query=mutation{logout}', {
    headers: { 'apollo-require-preflight': 'yes', authorization: `Bearer ${accessToken}` },
  })
  expect(response.status).toBe(405)
  expect(response.body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
  const { data } = await service.send(Me, {}, { token: accessToken })
  expect(data?.me).not.toBeNull()
})

test('a query by GET requires a header that makes browsers send a preflight', async () => {
  const plain = await request(`/graphql?query=${encodeURIComponent(query)}`)
  expect([plain.status, plain.body.errors?.[0]?.extensions.code]).toEqual([400, 'BAD_USER_INPUT'])
  const asked = await request(`/graphql?query=${encodeURIComponent(query)}`, {
    headers: { 'apollo-require-preflight': 'yes' },
  })
  expect(asked).toEqual({ status: 200, body: { data: { __typename: 'Query' } } })
})

test('an array of operations is refused', async () => {
  const batch = JSON.stringify([{ query }, { query }])
  expect(await post(batch, 'application/json')).toEqual(refused(400, 'Operation batching disabled.'))
})

test('a body of 64 KiB is accepted, and one more byte is refused', async () => {
  const bare = JSON.stringify({ query })
  const fits = bare + ' '.repeat(64 * 1024 - bare.length)
  expect((await post(fits, 'application/json')).status).toBe(200)
  expect(await post(`${fits} `, 'application/json')).toEqual(
    refused(413, 'The request is larger than 64 KiB.'),
  )
})

test.each(['{', '', '{"__proto__":{"query":"{ __typename }"}}', 'not json'])(
  'a body that is not JSON (%j) is refused',
  async body => {
    expect(await post(body, 'application/json')).toEqual(refused(400, 'The body is not valid JSON.'))
  },
)

test.each(['null', '"text"', '4', '{}', '{"query":4}', '{"query":""}'])(
  'a body without a query (%s) is an input error',
  async body => {
    const answer = await post(body, 'application/json')
    expect(answer.status).toBe(400)
    expect(answer.body.errors?.map(error => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
  },
)

test('a URL that cannot be decoded is refused with our own message', async () => {
  expect(await request('/%E0%A4%A')).toEqual(refused(400, 'The URL is malformed.'))
})

test.each([
  'GET /healthz',
  'GET /graphql?query=%7B__typename%7D',
  'POST /graphql',
  'GET /.well-known/jwks.json',
])('a request with two Host headers is refused: %s', async line => {
  const lines = [`${line} HTTP/1.1`, 'Host: localhost', 'hOST: evil.example', 'Connection: close', '', '']
  const answer = await raw(lines.join('\r\n'))
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toContain('more than one Host header')
})

/** Everything the server sends in response to these bytes before it closes the connection. */
async function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  socket.end(text)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('the error for an unknown URL omits its query', async () => {
  expect(await request('/nothing?token=canary')).toEqual({
    status: 404,
    body: { errors: [{ message: 'There is nothing at /nothing.', extensions: { code: 'NOT_FOUND' } }] },
  })
})

test('a client cannot choose the IP address of its session', async () => {
  const forged = {
    'x-forwarded-for': '203.0.113.7',
    forwarded: 'for=203.0.113.7',
    'x-real-ip': '203.0.113.7',
  }
  const input = { email: 'forger@example.com', password: PASSWORD }
  const { data } = await service.send(Register, { input }, { headers: forged })
  expect(data?.register).toMatchObject({
    session: { ipAddress: expect.stringMatching(/^(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/) },
  })
})
