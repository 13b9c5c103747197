import DataLoader from 'dataloader'
import type { App } from '../../app.ts'
import { demandedByOwner, demandedOnEveryDevice } from '../../credentials/demand.ts'
import { statement } from '../../database/client.ts'

/** The factors of an account, as its owner and administrators see them. */
export type UserFactors = { secondFactorRequired: boolean; hasTotp: boolean; recoveryCodesLeft: number }

type Row = [id: string, required: boolean, hasTotp: boolean, recoveryCodesLeft: number]

const select = statement<Row>(
  'factors-of-users',
  `SELECT u.id, ${demandedByOwner} OR ${demandedOnEveryDevice('$2')},
     EXISTS (SELECT FROM totp t WHERE t.user_id = u.id),
     (SELECT count(*)::int FROM recovery_codes c WHERE c.user_id = u.id AND c.used_at IS NULL)
   FROM users u WHERE u.id = ANY($1::uuid[])`,
)

const NONE: UserFactors = { secondFactorRequired: false, hasTotp: false, recoveryCodesLeft: 0 }
const loaders = new WeakMap<App, DataLoader<string, UserFactors>>()

/** The factors of the account. Calls in the same turn of the event loop, such as those of a list, share one query. */
export function factorsOf(app: App, userId: string): Promise<UserFactors> {
  const loader =
    loaders.get(app) ??
    // Not cached, so that a later request sees the factors of then.
    new DataLoader<string, UserFactors>(ids => loadFactors(app, ids), { cache: false })
  loaders.set(app, loader)
  return loader.load(userId)
}

async function loadFactors(app: App, ids: readonly string[]): Promise<UserFactors[]> {
  const rows = await select(app.pool, [[...new Set(ids)], app.clock.now()])
  const byId = new Map(
    rows.map(([id, secondFactorRequired, hasTotp, recoveryCodesLeft]) => [
      id,
      { secondFactorRequired, hasTotp, recoveryCodesLeft },
    ]),
  )
  return ids.map(id => byId.get(id) ?? NONE)
}
