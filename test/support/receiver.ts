import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import type { Service } from './service.ts'

export type Received = {
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** The `webhook-id`. */
  id: string
  type: string
  data: Record<string, unknown>
}

export type Receiver = {
  /** The address of a path. */
  at(path: string): string
  /** What has arrived, the oldest first. */
  received: Received[]
  /** What has arrived at a path. */
  to(path: string): Received[]
  /** Decides the answers from now on. Without a status, `answer` has answered itself. */
  answer(answer: (received: Received, response: ServerResponse) => Answer | Promise<Answer>): void
  stop(): Promise<void>
}

type Answer = number | [status: number, body: unknown] | undefined

/** A server of someone else, which receives messages. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  let decide: (received: Received, response: ServerResponse) => Answer | Promise<Answer> = () => 204
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const { type, data } = JSON.parse(body || '{}') as Pick<Received, 'type' | 'data'>
    const { headers, url: path = '' } = request
    const message = { path, headers, body, id: String(headers['webhook-id']), type, data }
    received.push(message)
    const answer = await decide(message, response)
    if (answer === undefined) return
    const [status, content] = typeof answer === 'number' ? [answer, undefined] : answer
    response.writeHead(status, status >= 300 && status < 400 ? { location: '/elsewhere' } : {})
    response.end(content === undefined ? undefined : JSON.stringify(content))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    at: path => `http://127.0.0.1:${port}${path}`,
    received,
    to: path => received.filter(message => message.path === path),
    answer: answer => {
      decide = answer
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whether the library of Standard Webhooks accepts the message, without its check of the time. */
export function isSigned({ body, headers }: Received, secret: string): boolean {
  const now = Date.now
  // The library has no clock to pass in, and tests move theirs.
  Date.now = () => Number(headers['webhook-timestamp']) * 1000
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  } finally {
    Date.now = now
  }
}

/** A disabled webhook at this address, and an event that could not be delivered to it. Returns the event's `webhook-id`. */
export async function failedDelivery({ app, clock }: Service, url: string): Promise<string> {
  const at = clock.now()
  const events = ['user.registered', 'user.deleted']
  const { id: webhookId } = await app.db.webhook.create({
    data: { url, events, enabled: false, createdAt: at },
  })
  const event = { event: 'user.deleted', eventId: webhookId, attempts: 10, lastError: 'status 500' }
  await app.db.webhookDelivery.create({
    data: { ...event, id: webhookId, webhookId, status: 'failed', at, nextAttemptAt: at },
  })
  return webhookId
}
