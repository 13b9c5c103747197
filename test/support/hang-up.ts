import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const CONNECTED = 'undici:client:connected'
const SENT = 'undici:client:sendHeaders'
const ENDED = ['undici:request:trailers', 'undici:request:error']

/**
 * Watches the connections that `fetch` of this process keeps open. The result closes those to a port that wait for no
 * response, as clients do that have gone. Otherwise, a server that closes waits half a second for their next requests.
 */
export function watchClients(): (port: number) => void {
  const ports = new Map<Socket, number>()
  const awaited = new Map<object, Socket>()
  const onConnected = (message: unknown) => {
    const { connectParams, socket } = message as { connectParams: { port: string }; socket: Socket }
    ports.set(socket, Number(connectParams.port))
    socket.once('close', () => ports.delete(socket))
  }
  const onSent = (message: unknown) => {
    const { request, socket } = message as { request: object; socket: Socket }
    awaited.set(request, socket)
  }
  const onEnded = (message: unknown) => {
    awaited.delete((message as { request: object }).request)
  }
  subscribe(CONNECTED, onConnected)
  subscribe(SENT, onSent)
  for (const channel of ENDED) subscribe(channel, onEnded)
  return port => {
    unsubscribe(CONNECTED, onConnected)
    unsubscribe(SENT, onSent)
    for (const channel of ENDED) unsubscribe(channel, onEnded)
    const busy = new Set(awaited.values())
    for (const [socket, to] of ports) if (to === port && !busy.has(socket)) socket.destroy()
  }
}
