import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { deliverMails } from '../../src/mail/deliver.ts'
import { linkTo, type NewMail, queueMail } from '../../src/mail/outbox.ts'
import { type Service, send, startApp, startService } from '../support/service.ts'
import { type Smtp, startEndlessSmtp, startSmtp, tokenOf } from '../support/smtp.ts'

/** The mail server's responses to the next recipients. If empty, it accepts them. */
const answers: string[] = []
/** Runs before the mail server responds to a recipient. */
let onRecipient: () => unknown = () => {}
let smtp: Smtp
let service: Pick<Service, 'app' | 'clock' | 'logged' | 'close'>

beforeAll(async () => {
  smtp = await startSmtp({
    onRcptTo: async (_address, _session, done) => {
      await onRecipient()
      const answer = answers.shift()
      done(
        answer
          ? Object.assign(new Error(`${answer} token=abc`), { responseCode: Number(answer) })
          : undefined,
      )
    },
  })
  service = await startApp({ SMTP_URL: smtp.url, LOCALES: 'en,ko' })
})
afterAll(async () => {
  await service.close()
  await smtp.close()
})
beforeEach(async () => {
  await service.app.db.mail.deleteMany()
  smtp.mails.length = 0
  answers.length = 0
  onRecipient = () => {}
})

function reset(to: string, extra: Partial<NewMail> = {}): NewMail {
  const data = {
    link: linkTo(service.app, 'reset-password', 'abc'),
    at: '2026-11-21T00:00:00.000Z',
    device: null,
    ipAddress: null,
  }
  return { template: 'reset-password', to, locale: 'en', data, ...extra } as NewMail
}

const queue = (...emails: NewMail[]) => queueMail(service.app, service.app.db, ...emails)
const only = () => service.app.db.mail.findFirstOrThrow()

test('a queued email is sent once, in its reader’s language, and its content is erased', async () => {
  await queue(reset('ada@example.com', { locale: 'ko-KR' }))
  expect((await only()).sealedData).not.toContain('abc')
  expect(await deliverMails(service.app)).toBe(1)
  expect(await deliverMails(service.app)).toBe(0)
  const [mail] = smtp.mails
  expect(mail?.subject).toBe('[Authograph] 새 비밀번호를 설정해 주세요')
  expect(mail?.from).toEqual({ name: 'Authograph', address: 'no-reply@localhost' })
  expect(mail && tokenOf(mail)).toBe('abc')
  expect(mail?.html).toContain('http://localhost:4000/reset-password#token=abc')
  expect(await only()).toMatchObject({ status: 'sent', sealedData: '', attempts: 1, lastError: null })
})

test('an email is queued only if the transaction that causes it commits', async () => {
  const failing = service.app.db.$transaction(async tx => {
    await queueMail(service.app, tx, reset('ada@example.com'))
    throw new Error('the cause fails')
  })
  await expect(failing).rejects.toThrow('the cause fails')
  expect(await service.app.db.mail.count()).toBe(0)
})

test('each email is sent by exactly one of many concurrent workers', async () => {
  await queue(...Array.from({ length: 60 }, (_, index) => reset(`reader-${index}@example.com`)))
  const sent = await Promise.all(Array.from({ length: 6 }, () => deliverMails(service.app)))
  expect(sent.reduce((sum, each) => sum + each, 0)).toBe(60)
  expect(new Set(smtp.mails.map(mail => mail.to?.[0]?.address)).size).toBe(60)
  expect(smtp.mails).toHaveLength(60)
})

/** A notice as `queueNotice` queues it. */
const notice = (to: string): NewMail => ({
  template: 'account-disabled',
  to,
  locale: 'en',
  data: { at: '2026-11-21T00:00:00.000Z' },
})
const recipients = () => smtp.mails.map(mail => mail.to?.[0]?.address)

test('a requested email is sent before all notices that were queued earlier', async () => {
  await queue(...Array.from({ length: 50 }, (_, index) => notice(`reader-${index}@example.com`)))
  service.clock.advance(1)
  await queue(reset('ada@example.com'))
  expect(await deliverMails(service.app)).toBe(51)
  expect(recipients()[0]).toBe('ada@example.com')
})

test('a requested email does not wait behind the notices that a worker has started to send', async () => {
  await queue(...Array.from({ length: 50 }, (_, index) => notice(`reader-${index}@example.com`)))
  let queued: Promise<void> | undefined
  onRecipient = () => {
    queued ??= queue(reset('ada@example.com'))
  }
  expect(await deliverMails(service.app)).toBe(51)
  await queued
  expect(recipients().indexOf('ada@example.com')).toBeLessThan(12)
})

test('a worker claims at most one batch, however the database plans the statement', async () => {
  // With these options, PostgreSQL uses nested loops and would run a subquery once for each email.
  const planner = ['hashjoin', 'mergejoin', 'hashagg', 'sort', 'material']
  const options = planner.map(name => `-c enable_${name}=off`).join(' ')
  const { app } = service
  const pool = new pg.Pool({ connectionString: app.config.database.url, options, max: 4 })
  await queue(...Array.from({ length: 200 }, (_, index) => reset(`reader-${index}@example.com`)))
  await app.pool.query('ANALYZE mails')
  let claimed: Promise<number> | undefined
  onRecipient = () => {
    claimed ??= app.db.mail.count({ where: { attempts: { gt: 0 } } })
    return claimed
  }
  try {
    expect(await deliverMails({ ...app, pool })).toBe(200)
    expect(await claimed).toBe(20)
  } finally {
    await pool.end()
  }
})

test('an email that cannot be delivered yet is retried at increasing intervals', async () => {
  answers.push('451', '451')
  await queue(reset('ada@example.com'))
  expect(await deliverMails(service.app)).toBe(0)
  expect(await only()).toMatchObject({ status: 'queued', attempts: 1, lastError: 'EENVELOPE 451 RCPT TO' })
  expect(await deliverMails(service.app)).toBe(0)
  service.clock.advance(10)
  expect(await deliverMails(service.app)).toBe(0)
  service.clock.advance(10)
  expect(await deliverMails(service.app)).toBe(0)
  service.clock.advance(50)
  expect(await deliverMails(service.app)).toBe(1)
  service.logged.splice(0)
})

test('an email that the mail server refuses permanently is marked failed and recorded, without the server’s response', async () => {
  answers.push('550')
  await queue(reset('unknown@example.com'))
  await deliverMails(service.app)
  expect(await only()).toMatchObject({ status: 'failed', lastError: 'EENVELOPE 550 RCPT TO' })
  const event = await service.app.db.auditEvent.findFirst({ where: { action: 'mail.failed' } })
  expect(event?.detail).toMatchObject({ template: 'reset-password', reason: 'EENVELOPE 550 RCPT TO' })
  expect(service.logged.splice(0).join()).not.toContain('abc')
})

test('/metrics counts queued and failed emails', async () => {
  answers.push('550', '451')
  const watched = await startService({ settings: { SMTP_URL: smtp.url } })
  try {
    await queueMail(watched.app, watched.app.db, reset('unknown@example.com'), reset('ada@example.com'))
    const untouched = { attempts: 0 }
    while (await watched.app.db.mail.count({ where: untouched })) await deliverMails(watched.app)
    await deliverMails(watched.app)
    const metrics = await (await fetch(`${watched.url}/metrics`)).text()
    expect(metrics).toContain('authograph_mails{status="failed"} 1')
    expect(metrics).toContain('authograph_mails{status="queued"} 1')
  } finally {
    await watched.close()
  }
})

test('an email that no server accepts fails after nine attempts', async () => {
  await queue(reset('ada@example.com'))
  for (let attempt = 0; attempt < 9; attempt++) {
    answers.push('451')
    await deliverMails(service.app)
    service.clock.advance(86_400)
  }
  expect(await only()).toMatchObject({ status: 'failed', attempts: 9 })
  service.logged.splice(0)
})

test('an email is not sent after its link has expired', async () => {
  const expiresAt = new Date(service.clock.now().getTime() + 60_000)
  await queue(reset('ada@example.com', { expiresAt }))
  service.clock.advance(60)
  expect(await deliverMails(service.app)).toBe(0)
  expect(await only()).toMatchObject({ status: 'failed', lastError: 'expired', sealedData: '' })
})

test('an email whose worker dies before recording the delivery is sent again with the same Message-ID', async () => {
  await queue(reset('ada@example.com'))
  const { app } = service
  const dying = new Proxy(app.pool, {
    get: (pool, name) =>
      name === 'query'
        ? async (query: pg.QueryConfig) => {
            if (query.name === 'mail-sent') throw new Error('killed')
            return pool.query(query)
          }
        : Reflect.get(pool, name),
  })
  await expect(deliverMails({ ...app, pool: dying })).rejects.toThrow('killed')
  expect(smtp.mails).toHaveLength(1)
  expect(await deliverMails(app)).toBe(0)
  service.clock.advance(120)
  expect(await deliverMails(app)).toBe(1)
  const [first, second] = smtp.mails
  expect(first?.messageId).toMatch(/^<[0-9a-f-]{36}@localhost>$/)
  expect(second?.messageId).toBe(first?.messageId)
  expect(await only()).toMatchObject({ status: 'sent', attempts: 2 })
})

test('an unreachable mail server delays emails but no requests', async () => {
  const away = await startService({ settings: { SMTP_URL: 'smtp://127.0.0.1:1' } })
  await queueMail(away.app, away.app.db, reset('ada@example.com'))
  while (await away.app.db.mail.count({ where: { lastError: null } })) await deliverMails(away.app)
  expect(await away.app.db.mail.findFirst()).toMatchObject({ status: 'queued', lastError: 'ESOCKET CONN' })
  expect((await send(away.url, '{ authSettings { registrationOpen } }')).errors).toEqual([])
  await away.close()
})

test('a mail server that never finishes responding is abandoned after 20 s', async () => {
  const endless = await startEndlessSmtp()
  const deadline = new AbortController()
  const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(deadline.signal)
  const stuck = await startApp({ SMTP_URL: endless.url })
  try {
    await queueMail(
      stuck.app,
      stuck.app.db,
      ...['ada', 'grace', 'joan'].map(name => reset(`${name}@example.com`)),
    )
    const delivering = deliverMails(stuck.app)
    await endless.reached
    deadline.abort()
    await delivering
    expect(timeout).toHaveBeenCalledWith(20_000)
    const emails = await stuck.app.db.mail.findMany()
    expect(emails.map(({ status, lastError }) => [status, lastError])).toEqual(
      Array(3).fill(['queued', 'EABORT']),
    )
  } finally {
    timeout.mockRestore()
    await stuck.close()
    await endless.close()
  }
})

test('expired emails are marked failed in batches, and the remaining emails are sent', async () => {
  const now = service.clock.now()
  await service.app.pool.query(
    `INSERT INTO mails (id, status, template, locale, recipient, sealed_data, attempts, created_at, next_attempt_at, expires_at)
     SELECT gen_random_uuid(), 'queued', 'reset-password', 'en', 'grace@example.com', 'x', 1, $1, $1, $1
     FROM generate_series(1, 2500)`,
    [now],
  )
  await queue(reset('ada@example.com'))
  const expired = () => service.app.db.mail.count({ where: { lastError: 'expired' } })
  expect(await deliverMails(service.app)).toBe(1)
  expect(await expired()).toBe(1000)
  for (let turn = 0; turn < 2; turn++) expect(await deliverMails(service.app)).toBe(0)
  expect(await expired()).toBe(2500)
})

test('a stopped worker finishes the emails it has started and releases the others unchanged', async () => {
  await queue(...Array.from({ length: 30 }, (_, index) => reset(`reader-${index}@example.com`)))
  const stopping = new AbortController()
  onRecipient = () => stopping.abort()
  const sent = await deliverMails(service.app, stopping.signal)
  expect(sent).toBe(4)
  expect(await service.app.db.mail.count({ where: { status: 'queued', attempts: 0 } })).toBe(26)
  expect(await deliverMails(service.app)).toBe(26)
})

test('the server delivers queued emails in the background', async () => {
  const whole = await startService({ settings: { SMTP_URL: smtp.url } })
  await queueMail(whole.app, whole.app.db, reset('ada@example.com'))
  while (smtp.mails.length === 0) await new Promise(resolve => setTimeout(resolve, 50))
  expect(smtp.mails[0]?.to?.[0]?.address).toBe('ada@example.com')
  await whole.close()
})

test('without SMTP_URL, development writes each email to a file and logs its link', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'authograph-mail-'))
  const local = await startApp({ SMTP_URL: ' ', DATA_DIR: folder, LOG_LEVEL: 'info' })
  await queueMail(local.app, local.app.db, reset('ada@example.com'))
  await deliverMails(local.app)
  const [name = ''] = await readdir(path.join(folder, 'mail'))
  expect(name).toMatch(/-reset-password\.eml$/)
  const source = await readFile(path.join(folder, 'mail', name), 'utf8')
  expect(source).toContain('To: ada@example.com')
  expect(local.logged.join()).toContain('http://localhost:4000/reset-password#token=abc')
  await local.close()
})

test('an app name with commas and quotes is still one sender', async () => {
  const APP_NAME = 'Acme, "Inc." <sales>'
  const named = await startApp({ SMTP_URL: smtp.url, APP_NAME })
  await queueMail(named.app, named.app.db, reset('ada@example.com'))
  expect(await deliverMails(named.app)).toBe(1)
  expect(smtp.mails[0]?.from).toEqual({ name: APP_NAME, address: 'no-reply@localhost' })
  await named.close()
})

test('a server with MAIL=off queues no email', async () => {
  const silent = await startService({ settings: { MAIL: 'off' } })
  await queueMail(silent.app, silent.app.db, reset('ada@example.com'))
  expect(await silent.app.db.mail.count()).toBe(0)
  await silent.close()
})
