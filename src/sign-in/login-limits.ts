import { createHash } from 'node:crypto'
import type { App } from '../app.ts'
import type { RequestFacts } from '../context.ts'
import { statement } from '../database/client.ts'
import type { User } from '../generated/prisma/client.ts'
import { type Attempt, countAttempt, forgiveAttempts, LimitHit } from '../rate-limit/limit.ts'
import { networkOf } from '../rate-limit/network.ts'

/**
 * Counts an attempt to sign in, on the network and on the account, before anything is hashed. Where
 * somebody else has used up the account's attempts, a network that the account has signed in from before
 * keeps some of its own, so that nobody can lock an owner out.
 * @throws AuthError RATE_LIMITED
 */
export async function countLogin(
  app: App,
  account: User | undefined,
  identifier: string,
  request: RequestFacts,
): Promise<void> {
  const { network, owner, device } = attemptsOf(account, identifier, request)
  try {
    await countAttempt(app, [network, owner], request)
  } catch (error) {
    if (!(error instanceof LimitHit)) throw error
    const isKnown = await isKnownNetwork(app, account, request)
    if (error.rule !== 'login.account' || !isKnown) throw error
    await countAttempt(app, [device], request)
  }
}

/** Forgets the attempts of an account that has proved its password. */
export async function forgiveLogin(app: App, account: User, request: RequestFacts): Promise<void> {
  const { network, owner, device } = attemptsOf(account, '', request)
  await forgiveAttempts(app, [owner, device], [network])
}

/** Forgets the attempts of an account whose password was replaced by a link from a mail. */
export async function forgiveAccount(app: App, id: string, request: RequestFacts): Promise<void> {
  const { owner, device } = attemptsOf({ id }, '', request)
  await forgiveAttempts(app, [owner, device])
}

/** One account counts as one under all its names; strangers count by the name they tried. */
function attemptsOf(account: Pick<User, 'id'> | undefined, identifier: string, request: RequestFacts) {
  const network = networkOf(request.ipAddress)
  const who = account?.id ?? createHash('sha256').update(identifier).digest('base64url')
  return {
    network: { rule: 'login.network', subject: network },
    owner: { rule: 'login.account', subject: who },
    device: { rule: 'login.device', subject: `${who}:${network}` },
  } as const satisfies Record<string, Attempt>
}

const NOBODY = '00000000-0000-0000-0000-000000000000'
const findKnown = statement(
  'login-known-network',
  'SELECT 1 FROM sessions WHERE user_id = $1 AND ip_address::inet <<= $2::cidr LIMIT 1',
)

/** Also asked for strangers, so that the time of the answer does not tell who has an account. */
async function isKnownNetwork(app: App, account: User | undefined, request: RequestFacts): Promise<boolean> {
  const network = networkOf(request.ipAddress)
  if (network === 'unknown') return false
  const known = await findKnown(app.pool, [account?.id ?? NOBODY, network])
  return known.length > 0
}
