import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Mail } from 'nodemailer'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { loadMailLanguages, pickLanguage } from './languages.ts'
import { renderMail } from './render.ts'
import type { MailData, MailTemplate } from './texts.ts'

const TIMEOUT_MS = 5000
/**
 * For a mail as a whole, the wait for a connection included: a server that says a little every few seconds is never
 * silent for long. A batch of the outbox is through before its lease ends.
 */
const DEADLINE_MS = 20_000

/** A mail on its way: to whom, and what it says. */
export type Message = {
  /** Stays the same when it is sent again, so that a mail program shows it once. */
  id: string
  template: MailTemplate
  to: string
  locale: string
  data: MailData[MailTemplate]
}

export type Mailer = {
  /** Resolves when the mail has been handed over. */
  send(message: Message): Promise<void>
  /** Whether mail would be taken, without sending any. */
  verify(): Promise<void>
  close(): void
  /** How many mails wait and how many were given up, as of the last look into the outbox. */
  backlog: { queued: number; failed: number }
}

/** Sends by SMTP, or, without a server to send by, writes each mail into `data/mail`. Undefined where mail is off. */
export async function createMailer(config: Config, log: Logger): Promise<Mailer | undefined> {
  if (!config.mail.enabled) return undefined
  const languages = await loadMailLanguages()
  const { appName, publicUrl } = config
  const host = new URL(publicUrl).hostname

  function compose({ id, template, to, locale, data }: Message) {
    const { tag, language } = pickLanguage(languages, locale, config.locales)
    return {
      from: config.mail.from,
      // As an object: a string would be read as a list of addresses.
      to: { name: '', address: to },
      messageId: `<${id}@${host}>`,
      // Keeps out-of-office replies away (RFC 3834, section 5).
      headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': tag },
      disableFileAccess: true,
      disableUrlAccess: true,
      ...renderMail(template, data as never, { appName, url: publicUrl, tag, language }),
    }
  }

  // Not before it is known to be needed: it takes 40 ms and 15 MB.
  const { createTransport } = await import('nodemailer')
  return config.mail.smtpUrl
    ? smtpMailer(createTransport, config.mail.smtpUrl, config.production, compose)
    : fileMailer(createTransport, path.join(config.dataDir, 'mail'), log, compose)
}

type CreateTransport = typeof import('nodemailer').createTransport
type Compose = (message: Message) => Parameters<Mail['sendMail']>[0]

function smtpMailer(
  createTransport: CreateTransport,
  url: string,
  production: boolean,
  compose: Compose,
): Mailer {
  const { protocol, username, hostname } = new URL(url)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 2,
    // A password never goes over an open line.
    requireTLS: production && protocol === 'smtp:' && username !== '' && !isLocal,
    dnsTimeout: TIMEOUT_MS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  })
  return {
    send: async message =>
      void (await transport.sendMail({ ...compose(message), signal: AbortSignal.timeout(DEADLINE_MS) })),
    verify: async () => void (await transport.verify()),
    close: () => transport.close(),
    backlog: { queued: 0, failed: 0 },
  }
}

/** For development: the mails lie in a folder, and the log says where their links lead. */
function fileMailer(createTransport: CreateTransport, folder: string, log: Logger, compose: Compose): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  return {
    send: async message => {
      const { message: source } = await transport.sendMail(compose(message))
      const file = path.join(folder, `${message.id}-${message.template}.eml`)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(file, source as Buffer, { mode: 0o600 })
      log.info(
        { file, link: 'link' in message.data ? message.data.link : undefined },
        `mail ${message.template} to ${message.to}`,
      )
    },
    verify: async () => {},
    close: () => {},
    backlog: { queued: 0, failed: 0 },
  }
}
