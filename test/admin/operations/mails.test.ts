import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { DocumentNode } from 'graphql'
import { cursorOf } from '../../../src/pagination.ts'
import type { FailedMailsQueryVariables } from '../../generated/graphql.ts'
import { newAddress, type SignedIn, signUp, signUpWith } from '../../support/actors.ts'
import { failedMail } from '../../support/mails.ts'
import { FailedMails, RetryMail } from '../../support/operations.ts'
import { refusedFields } from '../../support/refused.ts'
import { codes, useService } from '../../support/service.ts'

const service = useService()

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
})

const send = (
  document: DocumentNode,
  variables: Record<string, unknown>,
  { accessToken }: SignedIn = admin,
) => service.send(document, variables, { token: accessToken })

async function read(variables: FailedMailsQueryVariables) {
  const { data, errors } = await service.send(FailedMails, variables, { token: admin.accessToken })
  expect(errors).toEqual([])
  if (!data) throw new Error('no connection')
  return data.failedMails
}

const mailOf = (id: string) => service.app.db.mail.findUniqueOrThrow({ where: { id } })

describe('failedMails', () => {
  test('failedMails lists failed emails with the reason, newest first, in pages and without their content', async () => {
    const ids: string[] = []
    for (let number = 0; number < 5; number++) ids.unshift(await failedMail(service, `${number}@example.com`))
    const all = await read({})
    expect(all.nodes.map(node => node.id)).toEqual(ids)
    expect(all.nodes[0]).toEqual({
      id: ids[0],
      template: 'invitation',
      recipient: '4@example.com',
      attempts: 9,
      lastError: 'EENVELOPE 550',
      createdAt: expect.any(String),
      expiresAt: null,
    })
    expect(all.totalCount).toBe(5)
    const first = await read({ first: 2 })
    const second = await read({ first: 2, after: first.pageInfo.endCursor })
    const third = await read({ first: 2, after: second.pageInfo.endCursor })
    expect([first, second, third].flatMap(page => page.nodes.map(node => node.id))).toEqual(ids)
    expect([first, second, third].map(page => page.pageInfo.hasNextPage)).toEqual([true, true, false])
    const last = await read({ last: 2 })
    expect(last.edges.map(edge => edge.node.id)).toEqual(ids.slice(3))
    expect((await read({ last: 2, before: last.pageInfo.startCursor })).nodes.map(node => node.id)).toEqual(
      ids.slice(1, 3),
    )
  })

  test('failedMails lists neither queued nor sent emails', async () => {
    const before = (await read({})).totalCount
    const account = await signUp(service)
    await service.mailsTo(account.email)
    expect((await read({})).totalCount).toBe(before)
  })

  test('failedMails hides addresses from readers without users:read', async () => {
    const address = newAddress()
    await failedMail(service, address)
    await service.app.db.mail.updateMany({
      where: { recipient: address },
      data: { lastError: `550 <${address}> unknown` },
    })
    await service.app.db.role.create({ data: { name: 'auditor', permissions: ['audit:read'] } })
    const auditor = await signUpWith(service, 'auditor')
    const { data, errors } = await service.send(FailedMails, { first: 1 }, { token: auditor.accessToken })
    expect([errors, data?.failedMails.nodes]).toMatchObject([
      [],
      [{ recipient: '…@…', lastError: '550 <…@…> unknown', template: 'invitation' }],
    ])
    expect((await read({ first: 1 })).nodes).toMatchObject([{ recipient: address }])
  })

  test('failedMails requires a session and the permission audit:read', async () => {
    expect(codes(await service.send(FailedMails))).toEqual(['UNAUTHENTICATED'])
    expect(codes(await send(FailedMails, {}, await signUp(service)))).toEqual(['FORBIDDEN'])
    expect(codes(await send(FailedMails, {}, await signUpWith(service, 'support')))).toEqual([])
  })

  test.each([
    [{ first: 0 }, 'first'],
    [{ last: 101 }, 'last'],
    [{ after: 'x' }, 'after'],
    [{ before: cursorOf(['x']) }, 'before'],
  ])('the page %j is rejected', async (variables, field) => {
    expect(Object.keys(refusedFields(await send(FailedMails, variables)))).toEqual([field])
  })
})

describe('retryMail', () => {
  test('retryMail sends a failed email and is recorded', async () => {
    const address = newAddress()
    const id = await failedMail(service, address)
    expect(await service.mailsTo(address)).toEqual([])
    const { data, errors } = await service.send(RetryMail, { id }, { token: admin.accessToken })
    expect([errors, data?.retryMail]).toEqual([[], true])
    expect((await service.mailsTo(address)).map(mail => mail.text)).toEqual([
      expect.stringContaining('token=secret'),
    ])
    expect(await mailOf(id)).toMatchObject({ status: 'sent', attempts: 1 })
    const retried = await service.app.db.auditEvent.findMany({
      where: { action: 'mail.retried', actorId: admin.id },
    })
    expect(retried.at(-1)).toMatchObject({ detail: { mailId: id, template: 'invitation' } })
  })

  test('retryMail called several times at the same time sends the email once', async () => {
    const address = newAddress()
    const id = await failedMail(service, address)
    const replies = await Promise.all(Array.from({ length: 4 }, () => send(RetryMail, { id })))
    expect(replies.flatMap(codes)).toEqual(Array(3).fill('NOT_FOUND'))
    expect(await service.mailsTo(address)).toHaveLength(1)
  })

  test('retryMail fails with CONFLICT for an expired email and with NOT_FOUND for an email that has not failed', async () => {
    const { email } = await signUp(service)
    await service.mailsTo(email)
    const late = await failedMail(service, email, new Date(service.clock.now().getTime() - 1000))
    expect(codes(await send(RetryMail, { id: late }))).toEqual(['CONFLICT'])
    expect(await mailOf(late)).toMatchObject({ status: 'failed', attempts: 9 })
    const sent = await service.app.db.mail.findFirstOrThrow({ where: { recipient: email, status: 'sent' } })
    for (const id of [sent.id, randomUUID(), 'x', ''])
      expect(codes(await send(RetryMail, { id }))).toEqual(['NOT_FOUND'])
  })

  test('retryMail requires a session and the permission users:write', async () => {
    const id = await failedMail(service, 'unknown@example.com')
    expect(codes(await service.send(RetryMail, { id }))).toEqual(['UNAUTHENTICATED'])
    for (const viewer of [await signUp(service), await signUpWith(service, 'support')])
      expect(codes(await send(RetryMail, { id }, viewer))).toEqual(['FORBIDDEN'])
    expect(await mailOf(id)).toMatchObject({ status: 'failed' })
  })
})
