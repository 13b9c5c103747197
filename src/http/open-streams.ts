import type { FastifyRequest } from 'fastify'
import type { Subscription } from '../graphql/subscription.ts'

export type OpenStream = { request: FastifyRequest; subscription: Subscription }

/** The open streams of a service. */
export class EventStreams {
  readonly open = new Set<OpenStream>()
  closing = false

  /** Ends all streams, and refuses new ones. */
  end(): void {
    this.closing = true
    for (const { subscription } of this.open) subscription.end()
  }
}
