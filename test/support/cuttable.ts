import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import pg from 'pg'

export type Cuttable = {
  /** Leads to the database for as long as the line holds. */
  url: string
  /** Breaks every connection and takes no new one. */
  cut(): Promise<void>
  /** Lets connections through again. */
  mend(): Promise<void>
}

/** A line to a database that a test can cut. */
export async function cuttable(databaseUrl: string): Promise<Cuttable> {
  const { host, port } = new pg.Client(databaseUrl)
  const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
  const sockets = new Set<Socket>()
  const server = createServer(incoming => {
    const outgoing = connect(target)
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const ownPort = await listen(0)
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${ownPort}`
  url.search = '?sslmode=disable'
  return {
    url: url.href,
    cut: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
    mend: async () => void (await listen(ownPort)),
  }
}
