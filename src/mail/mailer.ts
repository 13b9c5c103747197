import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Mail } from 'nodemailer'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { loadMailLanguages, pickLanguage, withOwnTexts } from './languages.ts'
import type { MailOptions, SendMail, WholeMail } from './options.ts'
import { renderMail } from './render.ts'
import type { MailData, MailTemplate } from './texts.ts'

const TIMEOUT_MS = 5000
/**
 * For one email in total, including the wait for a connection: a server that sends a few bytes every few seconds never
 * reaches the timeouts above. A batch finishes before its lease ends.
 */
const DEADLINE_MS = 20_000

/** An email to send. */
export type Message = {
  /** The same for every attempt, so that mail programs show the email once. */
  id: string
  template: MailTemplate
  to: string
  locale: string
  data: MailData[MailTemplate]
}

export type Mailer = {
  /** Resolves when the mail server has accepted the email. */
  send(message: Message): Promise<void>
  /** Checks that the mail server accepts connections and credentials. Sends nothing. */
  verify(): Promise<void>
  close(): void
  /** The number of queued and failed emails when the outbox was last read. */
  backlog: { queued: number; failed: number }
}

/**
 * Sends by the embedding program's function, otherwise by SMTP. Without `SMTP_URL`, writes each email to `data/mail`.
 * Undefined with `MAIL=off`.
 * @throws Error if the program's texts are invalid
 */
export async function createMailer(
  config: Config,
  log: Logger,
  options: MailOptions = {},
): Promise<Mailer | undefined> {
  if (!config.mail.enabled) return undefined
  const languages = withOwnTexts(await loadMailLanguages(), options)
  const { appName, publicUrl, links } = config
  const brand = { color: config.web.color, logoUrl: config.web.logoUrl }
  const host = new URL(publicUrl).hostname

  function compose({ id, template, to, locale, data }: Message): Composed {
    const { tag, language } = pickLanguage(languages, locale, config.locales)
    return {
      from: config.mail.from,
      // An object, because nodemailer parses a string as a list of addresses.
      to: { name: '', address: to },
      messageId: `<${id}@${host}>`,
      // Prevents out-of-office replies (RFC 3834, section 5).
      headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': tag },
      disableFileAccess: true,
      disableUrlAccess: true,
      ...renderMail(template, data as never, { appName, url: publicUrl, brand, links, tag, language }),
    }
  }

  if (options.send) return ownMailer(options.send, config, compose)
  // Loaded only if needed: it takes 40 ms and 15 MB.
  const { createTransport } = await import('nodemailer')
  return config.mail.smtpUrl
    ? smtpMailer(createTransport, config.mail.smtpUrl, config.production, compose)
    : fileMailer(createTransport, path.join(config.dataDir, 'mail'), log, compose)
}

type CreateTransport = typeof import('nodemailer').createTransport
type Composed = Parameters<Mail['sendMail']>[0] &
  WholeMail & {
    messageId: string
    headers: Record<string, string>
  }
type Compose = (message: Message) => Composed

function ownMailer(send: SendMail, { mail }: Config, compose: Compose): Mailer {
  const from = typeof mail.from === 'string' ? mail.from : formatAddress(mail.from)
  return {
    send: async message => {
      const { subject, text, html, messageId, headers } = compose(message)
      const { id, template, to } = message
      const locale = headers['Content-Language'] ?? message.locale
      await within(DEADLINE_MS, signal =>
        send({ id, template, locale, from, to, subject, text, html, messageId, headers }, signal),
      )
    },
    verify: async () => {},
    close: () => {},
    backlog: { queued: 0, failed: 0 },
  }
}

/** As in the `From` header, with the name as a quoted string (RFC 5322, section 3.2.4), in Unicode. */
function formatAddress({ name, address }: { name: string; address: string }): string {
  return `"${name.replaceAll(/["\\]/g, '\\$&')}" <${address}>`
}

/** Rejects when `task` takes longer than `ms`. Its signal is aborted then. */
export async function within(ms: number, task: (signal: AbortSignal) => unknown): Promise<void> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = Object.assign(new Error('The email was not sent in time.'), { code: 'ETIMEDOUT' })
      abort.abort(error)
      reject(error)
    }, ms)
  })
  try {
    await Promise.race([Promise.resolve().then(() => task(abort.signal)), late])
  } finally {
    clearTimeout(timer)
  }
}

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
    // Never sends a password unencrypted.
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

/** For development: writes emails to a folder and logs their links. */
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
        `email ${message.template} to ${message.to}`,
      )
    },
    verify: async () => {},
    close: () => {},
    backlog: { queued: 0, failed: 0 },
  }
}
