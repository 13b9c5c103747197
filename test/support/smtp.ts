import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export type Smtp = {
  url: string
  /** The received emails, newest last. */
  mails: Email[]
  close(): Promise<void>
}

/** A real SMTP server on a free port that stores the emails it receives. */
export async function startSmtp(options: SMTPServerOptions = {}): Promise<Smtp> {
  const emails: Email[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      stream.on('end', () => {
        PostalMime.parse(Buffer.concat(chunks)).then(mail => {
          emails.push(mail)
          done()
        }, done)
      })
    },
    ...options,
  })
  // A connection that breaks, as when its client is killed.
  server.on('error', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('the SMTP server has no port')
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    mails: emails,
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** A server that greets and then sends an endless response. `reached` resolves when a client connects. */
export async function startEndlessSmtp() {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write('220 welcome\r\n')
    const talking = setInterval(() => socket.write('250-and\r\n'), 20)
    socket.on('close', () => clearInterval(talking))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached: once(server, 'connection'),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The address of the link in an email. */
export function linkOf(mail: Email): URL {
  const [link] = mail.text?.match(/^https?:\/\/\S+$/m) ?? []
  if (!link) throw new Error(`no link in: ${mail.text}`)
  return new URL(link)
}

/** The token in the link of an email. */
export function tokenOf(mail: Email): string {
  const token = new URLSearchParams(linkOf(mail).hash.slice(1)).get('token')
  if (!token) throw new Error(`no token in: ${mail.text}`)
  return token
}
