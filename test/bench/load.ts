import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Where the requests of a load come from, each connection's in turn, and who looks at the answers. */
export type Source = {
  /** The next HTTP request of a connection, whole. */
  next(connection: number): string
  /** Told the body of each answer, for what the next request depends on. */
  answered?(connection: number, body: string): void
  /** Whether an answer is the one that is expected; otherwise any without errors is. */
  expects?(body: string): boolean
}

export type Load = {
  /** Answers a second. */
  rate: number
  /** From writing a request to its whole answer. */
  latenciesMs: number[]
}

/**
 * Keeps one request in flight on each of `connections` until `signal`, then waits for those under way, so that
 * nothing of one measurement is left to the next. Own code on bare sockets, because autocannon cuts off what is
 * under way and takes a third more time for a request (14 µs instead of 11), on the core that it shares with the
 * database.
 * @throws Error with the answer, when one is not a 200 that the source expects
 */
export async function load(
  port: number,
  connections: number,
  source: Source,
  signal: AbortSignal,
): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  const latenciesMs: number[] = []
  const start = performance.now()
  await Promise.all(sockets.map((socket, index) => drive(socket, index, source, signal, latenciesMs)))
  const seconds = (performance.now() - start) / 1000
  for (const socket of sockets) socket.destroy()
  return { rate: latenciesMs.length / seconds, latenciesMs }
}

/**
 * Sends each of these requests once, over `connections` with one request in flight on each, and returns the answers, whole
 * and in order.
 */
export async function askAll(
  port: number,
  connections: number,
  requests: readonly string[],
): Promise<string[]> {
  const answers: string[] = new Array(requests.length).fill('')
  const waiting = requests.keys()
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  await Promise.all(
    sockets.map(async socket => {
      for (const index of waiting) answers[index] = await ask(socket, requests[index] as string)
    }),
  )
  for (const socket of sockets) socket.destroy()
  return answers
}

function ask(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const end = () => socket.off('data', read).off('error', reject).off('close', closed)
    const closed = () => reject(new Error('The server closed a connection.'))
    const read = (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (bodyOf(received) === undefined) return
      end()
      resolve(received)
    }
    socket.on('data', read).on('error', reject).on('close', closed)
    socket.write(request, 'latin1')
  })
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

function drive(
  socket: Socket,
  index: number,
  source: Source,
  signal: AbortSignal,
  latenciesMs: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let received = ''
    const send = () => {
      if (signal.aborted) return resolve()
      received = ''
      sentAt = performance.now()
      socket.write(source.next(index), 'latin1')
    }
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      const body = bodyOf(received)
      if (body === undefined) return
      latenciesMs.push(performance.now() - sentAt)
      const isExpected = source.expects?.(body) ?? !body.includes('"errors"')
      if (!received.startsWith('HTTP/1.1 200 ') || !isExpected) {
        reject(new Error(`A request failed:\n${received}`))
        return
      }
      source.answered?.(index, body)
      send()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed a connection.')))
    send()
  })
}

/** The body of an answer, or undefined until all of it is there. Our servers send its length; of others, chunks stay as sent. */
function bodyOf(answer: string): string | undefined {
  const head = answer.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const start = head + 4
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(answer) ?? []
  if (length === undefined) return answer.endsWith('\r\n0\r\n\r\n') ? answer.slice(start) : undefined
  return answer.length - start >= Number(length) ? answer.slice(start) : undefined
}
