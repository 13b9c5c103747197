import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import pino from 'pino'
import type { App } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config.ts'
import type { ProviderTokens } from '../../../src/credentials/provider/provider.ts'
import { revokeQueued } from '../../../src/credentials/provider/revocations.ts'
import { openTokens, sealTokens } from '../../../src/credentials/provider/tokens.ts'
import { prune } from '../../../src/maintenance/prune.ts'
import { openApp } from '../../../src/open.ts'
import { signUp } from '../../support/actors.ts'
import { type FakeProvider, startFakeProvider } from '../../support/fake-provider.ts'
import { DeleteAccount } from '../../support/operations.ts'
import { type Service, startService } from '../../support/service.ts'

let fake: FakeProvider
/** Knows no provider, so that nothing is revoked in the background. */
let service: Service
/** Another process on the same database, which knows the provider. */
let app: App
const logged: string[] = []

beforeAll(async () => {
  fake = await startFakeProvider()
  service = await startService()
  const { config, clock } = service.app
  const { providers } = loadConfig({ ...fake.settings(), PROVIDER_CORP_KEEP_TOKENS: 'on' })
  const log = pino({}, { write: line => void logged.push(line) })
  app = await openApp({ ...config, providers }, { clock, log })
})
afterAll(async () => {
  await app.close()
  await service.close()
  await fake.stop()
})
afterEach(async () => {
  fake.bend = {}
  fake.revoked.length = 0
  logged.length = 0
  await service.app.db.providerRevocation.deleteMany()
})

const tokens = (refreshToken: string | null): ProviderTokens => ({
  clientId: 'authograph',
  accessToken: `access-${randomUUID()}`,
  refreshToken,
  expiresAt: new Date('2026-01-02T03:04:05.678Z'),
  scopes: ['openid'],
})

async function identityOf(userId: string, kept: ProviderTokens | null, provider = 'corp') {
  const at = service.clock.now()
  return service.app.db.identity.create({
    data: {
      userId,
      provider,
      issuer: fake.issuer,
      subject: randomUUID(),
      sealedTokens: kept && sealTokens(app, provider, kept),
      createdAt: at,
      lastUsedAt: at,
    },
  })
}

const down = () => {
  fake.bend.answer = ({ path }, response) => {
    if (!path.startsWith('/revoke')) return false
    response.writeHead(503).end()
    return true
  }
}

/** Calls `work` a second later: rows are queued at the time of the database, rounded, which may be a moment ahead. */
async function aSecondLater<Result>(work: () => Promise<Result>): Promise<Result> {
  service.clock.advance(1)
  try {
    return await work()
  } finally {
    service.clock.advance(-1)
  }
}

const revoke = () => aSecondLater(() => revokeQueued(app))

test('sealed tokens open as they were, for their provider only', () => {
  const kept = tokens('r')
  const sealed = sealTokens(app, 'corp', kept)
  expect(openTokens(app, 'corp', sealed)).toEqual(kept)
  expect(sealed).not.toContain(kept.accessToken)
  expect(() => openTokens(app, 'other', sealed)).toThrow()
})

test('deleting an account revokes its tokens at the provider, which the database has only sealed', async () => {
  const account = await signUp(service)
  await identityOf(account.id, tokens('refresh-1'))
  await identityOf(account.id, null)
  const { errors } = await service.send(DeleteAccount, {}, { token: account.accessToken })
  expect(errors).toEqual([])
  const queued = await service.app.db.providerRevocation.findMany()
  expect(queued).toHaveLength(1)
  expect(JSON.stringify(queued)).not.toContain('refresh-1')
  expect(await revoke()).toBe(1)
  expect(fake.revoked).toEqual(['refresh-1'])
  expect(await service.app.db.providerRevocation.count()).toBe(0)
})

test('disconnecting an identity revokes its access token if it has no refresh token', async () => {
  const account = await signUp(service)
  const kept = tokens(null)
  const { id } = await identityOf(account.id, kept)
  await service.app.db.identity.delete({ where: { id } })
  await revoke()
  expect(fake.revoked).toEqual([kept.accessToken])
})

test('while the provider is down, revoking is tried again later, and the token stays out of log and errors', async () => {
  const account = await signUp(service)
  const { id } = await identityOf(account.id, tokens('refresh-2'))
  await service.app.db.identity.delete({ where: { id } })
  down()
  expect(await revoke()).toBe(0)
  expect(await revoke()).toBe(0)
  const [row] = await service.app.db.providerRevocation.findMany()
  expect(row).toMatchObject({ attempts: 1, lastError: expect.stringContaining('token endpoint') })
  expect(logged.join()).not.toContain('refresh-2')
  fake.bend = {}
  service.clock.advance(61)
  try {
    expect(await revoke()).toBe(1)
    expect(fake.revoked).toEqual(['refresh-2'])
  } finally {
    service.clock.advance(-61)
  }
})

test('several replicas revoke each token once', async () => {
  const account = await signUp(service)
  for (let i = 0; i < 10; i++) await identityOf(account.id, tokens(`refresh-${i}`))
  await service.app.db.identity.deleteMany({ where: { userId: account.id } })
  const counts = await aSecondLater(() => Promise.all([app, app, app].map(replica => revokeQueued(replica))))
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10)
  expect(new Set(fake.revoked).size).toBe(10)
  expect(fake.revoked).toHaveLength(10)
})

test('a provider that has left the settings is waited for, and after 30 days the queue forgets', async () => {
  const account = await signUp(service)
  const { id } = await identityOf(account.id, tokens('refresh-3'), 'former')
  await service.app.db.identity.delete({ where: { id } })
  expect(await revoke()).toBe(0)
  const [row] = await service.app.db.providerRevocation.findMany()
  expect(row?.lastError).toBe('not in PROVIDERS')
  service.clock.advance(31 * 86_400)
  try {
    expect((await prune(service.app)).deleted).toMatchObject({ 'revocations at providers': 1 })
  } finally {
    service.clock.advance(-31 * 86_400)
  }
})
