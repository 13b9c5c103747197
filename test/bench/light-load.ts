import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { getIntrospectionQuery } from 'graphql'
import { http } from './requests.ts'

const OK = Buffer.from('HTTP/1.1 200 ')
const BUFFER_BYTES = 256 * 1024
/** For an answer that is shorter than the others, so that its end is never found. */
const ANSWER_TIMEOUT_MS = 10_000

/** The next request, whole. All answers must be of one length. */
export type Requests = () => Buffer

/**
 * Keeps one request in flight on each of `connections` until `signal`, and resolves to the number of answers. Takes nearly
 * no processor time: it counts the bytes of answers and reads only whether they begin as a success.
 * @throws Error when an answer is not a 200, or longer than `bytes`
 */
export async function loadLightly(
  port: number,
  connections: number,
  requests: Requests,
  bytes: number,
  signal: AbortSignal,
): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: connections }, () => drive(port, bytes, requests, signal)),
  )
  return counts.reduce((total, count) => total + count, 0)
}

/**
 * How long an answer is, headers included.
 * @throws Error with the answer, when it is not a success
 */
export async function answerBytes(port: number, request: Buffer): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.write(request)
  let answer = Buffer.alloc(0)
  for await (const chunk of socket) {
    answer = Buffer.concat([answer, chunk as Buffer])
    const head = answer.indexOf('\r\n\r\n')
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(answer.toString('latin1', 0, head))?.[1])
    if (head >= 0 && answer.length >= head + 4 + length) break
  }
  const text = answer.toString()
  if (!text.startsWith(OK.toString()) || text.includes('"errors"'))
    throw new Error(`A request failed:\n${text}`)
  return answer.length
}

function drive(port: number, bytes: number, requests: Requests, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let answers = 0
    let received = 0
    const fail = (why: string) => {
      reject(new Error(why))
      socket.destroy()
    }
    const take = (length: number, buffer: Uint8Array) => {
      if (received === 0 && OK.compare(buffer, 0, OK.length) !== 0) fail('An answer was not a 200.')
      received += length
      if (received > bytes) fail('An answer was longer than the others.')
      if (received < bytes) return true
      received = 0
      answers++
      if (signal.aborted) {
        resolve(answers)
        socket.destroy()
      } else socket.write(requests())
      return true
    }
    const buffer = Buffer.alloc(BUFFER_BYTES)
    const socket: Socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer, callback: take },
    })
    socket.setTimeout(ANSWER_TIMEOUT_MS, () =>
      fail('An answer took too long, or was shorter than the others.'),
    )
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed a connection.')))
    socket.on('connect', () => socket.write(requests()))
  })
}

/** As code generators send it. Without descriptions, which are only long for the load generator. */
export function introspection(): Requests {
  const request = post(getIntrospectionQuery({ descriptions: false }))
  return () => request
}

/** What an app asks before it shows its sign-in page, many times in one document, which the server has never seen before. */
export function newDocuments(): Requests {
  const fields =
    'emailLogin emailVerificationRequired locales passkeyRpId passkeys passwordMaxLength passwordMinLength registrationOpen trustedDeviceDays'
  const aliases = Array.from({ length: 20 }, (_, index) => `settings${index}: authSettings { ${fields} }`)
  const request = post(`query Settings00000000 { ${aliases.join(' ')} }`)
  const at = request.indexOf('00000000')
  let last = 0
  return () => {
    const next = Buffer.from(request)
    next.write(String(last++).padStart(8, '0'), at, 'latin1')
    return next
  }
}

function post(query: string): Buffer {
  const body = JSON.stringify({ query })
  const headers = ['content-type: application/json', `content-length: ${body.length}`]
  return Buffer.from(http('POST /graphql HTTP/1.1', headers, body), 'latin1')
}
