import { describe, expect, jest, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { overviewOf } from '../../../src/admin/overview/overview.ts'
import { type AuditEntry, record } from '../../../src/audit/record.ts'
import { deliverMails } from '../../../src/mail/deliver.ts'
import { queueMail } from '../../../src/mail/outbox.ts'
import type { OverviewQuery, OverviewQueryVariables } from '../../generated/graphql.ts'
import { newRole, type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { Overview } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService()
const HOUR = 3600

const ask = (variables: Record<string, unknown>, { accessToken: token }: SignedIn) =>
  service.send(Overview as DocumentNode, variables, { token })

async function read(variables: OverviewQueryVariables, reader: SignedIn): Promise<OverviewQuery['overview']> {
  const { data, errors } = await service.send(Overview, variables, { token: reader.accessToken })
  expect(errors).toEqual([])
  if (!data) throw new Error('no overview')
  return data.overview
}

const NO_REQUEST = { ipAddress: undefined, userAgent: undefined }
const event = (action: AuditEntry['action'], at: Date) => record(service.app.db, NO_REQUEST, { action, at })
const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)

describe('access to the overview', () => {
  test('it requires a session and the permission audit:read', async () => {
    const variables = { period: 'LAST_24_HOURS' } as const
    expect(codes(await service.send(Overview, variables))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await ask(variables, await signUp(service)))).toEqual(['FORBIDDEN'])
    expect((await read(variables, await signUpWith(service, 'support'))).startsAt).toHaveLength(24)
  })

  test('the number of people requires users:read as well', async () => {
    const auditor = await signUpWith(service, await newRole(service, 'audit:read'))
    const select = (field: string) =>
      service.send(`{ overview(period: LAST_24_HOURS) { ${field} } }`, {}, { token: auditor.accessToken })
    expect((await select('signIns emailsQueued')).errors).toEqual([])
    for (const field of ['people', 'newPeople']) expect(codes(await select(field))).toEqual(['FORBIDDEN'])
  })
})

describe('the figures', () => {
  test('each event counts in the hour in which it happened, and in no other figure', async () => {
    const admin = await signUpWith(service, 'admin')
    const before = await read({ period: 'LAST_24_HOURS' }, admin)
    const start = (index: number) => new Date(before.startsAt[index] ?? '')
    await event('session.started', start(3))
    await event('session.started', new Date(start(4).getTime() - 1))
    await event('session.denied', start(4))
    await event('limit.hit', start(0))
    await event('limit.hit', new Date(start(0).getTime() - 1))
    await event('mail.failed', new Date(start(23).getTime() + 1))
    await event('user.registered', start(9))
    const after = await read({ period: 'LAST_24_HOURS' }, admin)
    const added = (figure: 'signIns' | 'failures' | 'limitsHit' | 'emailsFailed' | 'newPeople') =>
      after[figure].flatMap((count, index) => {
        const more = count - (before[figure][index] ?? 0)
        return more === 0 ? [] : [[index, more]]
      })
    expect(after.startsAt).toEqual(before.startsAt)
    expect(added('signIns')).toEqual([[3, 2]])
    expect(added('failures')).toEqual([[4, 1]])
    expect(added('limitsHit')).toEqual([[0, 1]])
    expect(added('emailsFailed')).toEqual([[23, 1]])
    expect(added('newPeople')).toEqual([])
  })

  test('people are counted as they are, and emails that wait', async () => {
    const admin = await signUpWith(service, 'admin')
    const before = await read({ period: 'LAST_30_DAYS' }, admin)
    expect(before.people).toBe(await service.app.db.user.count())
    const { id } = await signUp(service)
    expect(sum((await read({ period: 'LAST_30_DAYS' }, admin)).newPeople)).toBe(sum(before.newPeople) + 1)
    await service.app.db.user.delete({ where: { id } })
    expect(await read({ period: 'LAST_30_DAYS' }, admin)).toMatchObject({
      people: before.people,
      newPeople: before.newPeople,
    })
    const data = { link: 'https://example.com/' }
    const mail = { template: 'invitation', to: 'waits@example.com', locale: 'en', data } as const
    const queued = { status: 'queued' }
    while (await service.app.db.mail.count({ where: queued })) await deliverMails(service.app)
    expect((await read({ period: 'LAST_30_DAYS' }, admin)).emailsQueued).toBe(0)
    await service.app.db.$transaction(async tx => {
      await queueMail(service.app, tx, mail)
      // Later than the service's own delivery looks.
      await tx.mail.updateMany({ where: queued, data: { nextAttemptAt: new Date('2099-01-01') } })
    })
    expect((await read({ period: 'LAST_30_DAYS' }, admin)).emailsQueued).toBe(1)
  })

  test('days and hours begin where the time zone has them, days of 23 and 25 hours included', async () => {
    const admin = await signUpWith(service, 'admin')
    const starts = async (period: OverviewQueryVariables['period'], timeZone: string) =>
      (await read({ period, timeZone }, admin)).startsAt
    const seoul = await starts('LAST_30_DAYS', 'Asia/Seoul')
    expect(seoul).toHaveLength(30)
    for (const start of seoul) expect(start).toContain('T15:00:00.000Z')
    const [now] = [service.clock.now().getTime()]
    const today = new Date(seoul.at(-1) ?? '').getTime()
    expect(now - today).toBeGreaterThanOrEqual(0)
    expect(now - today).toBeLessThan(24 * HOUR * 1000)
    for (const start of await starts('LAST_24_HOURS', 'Asia/Kolkata')) expect(start).toContain(':30:00.000Z')

    // In Berlin, clocks go forward on March 29 and back on October 25.
    for (const [date, hours] of [
      ['2026-04-02T12:00:00Z', 23],
      ['2026-11-02T12:00:00Z', 25],
    ] as const) {
      const clock = { ...service.app.clock, now: () => new Date(date) }
      const { startsAt } = await overviewOf({ ...service.app, clock }, 'LAST_30_DAYS', 'Europe/Berlin')
      const berlin = startsAt.map(start => start.getTime() / 1000 / HOUR)
      const lengths = berlin.slice(1).map((start, index) => start - (berlin[index] ?? 0))
      expect(lengths.filter(length => length !== 24)).toEqual([hours])
    }
  })

  test.each(['', 'Seoul', '+09:00', 'UTC\0', "UTC' OR true"])(
    'the time zone %j is rejected',
    async timeZone => {
      const reply = await ask({ period: 'LAST_24_HOURS', timeZone }, await signUpWith(service, 'support'))
      expect(Object.keys(refusedFields(reply))).toEqual(['timeZone'])
    },
  )

  test('only figures that are selected are counted, each with one query that an index answers', async () => {
    const { accessToken: token } = await signUpWith(service, 'support')
    const query = jest.spyOn(service.app.pool, 'query')
    await service.send('{ overview(period: LAST_30_DAYS) { signIns failures } }', {}, { token })
    const asked = query.mock.calls
      .map(([what]) => what as unknown as { text?: string; values?: unknown[] })
      .filter(({ text }) => text?.includes('audit_events'))
    query.mockRestore()
    expect(asked.map(({ values }) => values?.[0]).sort()).toEqual(['session.denied', 'session.started'])
    const client = await service.app.pool.connect()
    try {
      await client.query('SET enable_seqscan = off')
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN ${asked[0]?.text}`,
        asked[0]?.values ?? [],
      )
      const plan = rows.map(row => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/Index Only Scan using audit_events_\w+_action_at_id_idx/)
      expect(plan).not.toContain('Seq Scan')
    } finally {
      await client.query('RESET enable_seqscan')
      client.release()
    }
  })
})
