import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { useService } from '../support/service.ts'

const service = useService()

const HEADERS = 'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
const BODY = '{"query":"{ __typename }"}'

const slow: [client: string, start: string, drip: string][] = [
  ['nothing', '', ''],
  ['half of its headers', HEADERS, ''],
  ['one header after the other', HEADERS, 'x-a: a\r\n'],
  ['no body', `${HEADERS}content-length: 1000\r\n\r\n`, ''],
  ['half of its body', `${HEADERS}content-length: 1000\r\n\r\n{"query":`, ''],
  ['one byte of its body after the other', `${HEADERS}content-length: 1000\r\n\r\n`, ' '],
  ['chunks without end', `${HEADERS}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
]

function open() {
  const { port, hostname } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  return socket
}

/** The response to a client that sends `start` and then `drip` each second, and the time until the server disconnects it. */
async function patienceWith(start: string, drip: string) {
  const socket = open()
  const began = performance.now()
  const answer = text(socket).catch(() => '')
  const closed = once(socket, 'close')
  socket.write(start)
  const dripping = setInterval(() => drip && socket.writable && socket.write(drip), 1000)
  await closed
  clearInterval(dripping)
  return { seconds: (performance.now() - began) / 1000, status: (await answer).split('\r\n')[0] }
}

// With the real timeouts. All clients run at the same time, so the test takes as long as the slowest.
test('slow clients are disconnected within 30 seconds, while others are answered', async () => {
  const waiting = slow.map(async ([client, start, drip]) => ({
    client,
    ...(await patienceWith(start, drip)),
  }))

  const steady = open()
  const answer = text(steady)
  const [head, tail] = [BODY.slice(0, 5), BODY.slice(5)]
  steady.write(`${HEADERS}connection: close\r\ncontent-length: ${BODY.length}\r\n\r\n${head}`)
  setTimeout(() => steady.write(tail), 3000)
  expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*"__typename":"Query"/)

  for (const { client, seconds, status } of await Promise.all(waiting)) {
    expect([client, seconds < 30, status]).toEqual([
      client,
      true,
      expect.stringMatching(/^$|^HTTP\/1\.1 408 /),
    ])
  }
}, 60_000)
