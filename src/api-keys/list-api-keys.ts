import DataLoader from 'dataloader'
import type { App } from '../app.ts'
import type { ApiKey } from '../generated/prisma/client.ts'

const loaders = new WeakMap<App, DataLoader<string, ApiKey[]>>()

/** The API keys of the account, the newest first. One query serves all accounts of a list. */
export function apiKeysOf(app: App, userId: string): Promise<ApiKey[]> {
  const loader =
    loaders.get(app) ?? new DataLoader<string, ApiKey[]>(ids => keysOfAll(app, ids), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

async function keysOfAll(app: App, userIds: readonly string[]): Promise<ApiKey[][]> {
  const keys = await app.db.apiKey.findMany({
    where: { userId: { in: [...userIds] } },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  })
  const byUser = new Map<string, ApiKey[]>(userIds.map(id => [id, []]))
  for (const key of keys) byUser.get(key.userId)?.push(key)
  return userIds.map(id => byUser.get(id) ?? [])
}
