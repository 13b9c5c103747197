import type { IncomingMessage } from 'node:http'

/** What a server that Authograph is part of knows about a request. */
export type Handover = {
  /** The client's address, if that server determines it and this one does not. */
  readonly ipAddress: string | undefined
  /** Whether that server goes on with requests for which there is no route here. */
  readonly canPass: boolean
  /** Set if it does. */
  passed: boolean
}

const handovers = new WeakMap<IncomingMessage, Handover>()

/** Keeps `handover` for as long as the request exists. */
export function handOver(request: IncomingMessage, handover: Handover): void {
  handovers.set(request, handover)
}

/** Undefined if the request came directly to this server. */
export function handoverOf(request: IncomingMessage): Handover | undefined {
  return handovers.get(request)
}
