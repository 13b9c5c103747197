import { findUser } from '../accounts/account.ts'
import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { type Device, isKnownDevice } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { networkOf } from '../network/address.ts'
import { hashedSubject } from '../rate-limit/hashed-subject.ts'
import {
  type Attempt,
  countAttempt,
  type Forgiveness,
  forgiveAttempts,
  LimitHit,
} from '../rate-limit/limit.ts'
import { countAndFind, type Name } from './count-and-find.ts'

/** The attempts of one sign-in, computed once: `countLogin` counts them and `forgiveLogin` gives them back. */
export type LoginAttempts = {
  readonly network: Attempt
  /** On the name that the client sent. */
  readonly name: Attempt
  /** On the device that the client presented, across all accounts. */
  readonly device: { readonly presented: Device; readonly attempt: Attempt } | undefined
  /** The budget for hashing work. */
  readonly work: Attempt
}

/** The attempts of a sign-in. `name` is the canonical identifier, or the identifier as sent if it has no canonical form. */
export function loginAttempts(
  app: App,
  name: string,
  device: Device | undefined,
  { ipAddress }: RequestInfo,
): LoginAttempts {
  return {
    network: { rule: 'login.network', subject: networkOf(ipAddress) },
    name: nameAttempt(app, name),
    device: device && {
      presented: device,
      attempt: { rule: 'login.device', subject: hashedSubject(app, device.secretHash) },
    },
    work: workAttempt(ipAddress),
  }
}

/** What a correct password gives back, and the account that has the name. */
export type CountedLogin = { counted: Attempt; account: User | undefined }

/**
 * Counts a sign-in before any password is hashed, and finds the account: on the network and on the name as sent, so
 * that the answer reveals neither whether an account has the name nor which other name it has. Once an attacker has used
 * up either limit, a device that the account knows continues with attempts of its own. `name` is undefined if no account
 * can have it.
 * @throws AuthError RATE_LIMITED, with a message that tells the owner how to sign in despite the block
 */
export async function countLogin(
  app: App,
  attempts: LoginAttempts,
  name: Name | undefined,
  request: RequestInfo,
): Promise<CountedLogin> {
  try {
    return await countOnNameOrDevice(app, attempts, name, request)
  } catch (error) {
    if (!(error instanceof LimitHit) || !app.mailer) throw error
    const { rule, retryAfter } = error
    throw new LimitHit(rule, retryAfter, BLOCKED)
  }
}

const BLOCKED =
  'Too many sign-in attempts. Try again later, or set a new password with “Forgot password”: the browser or app in which you set it can sign in immediately.'

async function countOnNameOrDevice(
  app: App,
  { network, name: sent, device, work }: LoginAttempts,
  name: Name | undefined,
  request: RequestInfo,
): Promise<CountedLogin> {
  try {
    const account = await countAndFind(app, [network, sent], name, request)
    return { counted: network, account }
  } catch (error) {
    if (!(error instanceof LimitHit) || !device) throw error
    // Counted before the lookup, so that one account's device cannot be used to look up many others.
    await countOr(app, device.attempt, request, error)
    const account = name && (await findUser(app, name.key, name.value))
    if (!(await isKnownDevice(app, account?.id, device.presented))) throw error
    // Attackers cannot use up this limit. Without it, a network with many accounts of its own would have no limit.
    await countOr(app, work, request, error)
    return { counted: work, account }
  }
}

/** Counts an attempt. If its limit is used up too, throws whichever of the two errors has the shorter wait. */
async function countOr(app: App, attempt: Attempt, request: RequestInfo, blocked: LimitHit): Promise<void> {
  try {
    await countAttempt(app, [attempt], request)
  } catch (error) {
    if (!(error instanceof LimitHit)) throw error
    throw error.retryAfter < blocked.retryAfter ? error : blocked
  }
}

/**
 * Resets the attempts on both names of the account and on the device once the password is proved, and gives `counted`
 * back. Each call spends a budget of hashing work that is never given back, so that correct passwords are not free
 * work. Once the budget is spent, the attempts stay counted. Attackers cannot spend it: that takes a correct password
 * or a known device.
 */
export async function forgiveLogin(
  app: App,
  { name, device, work }: LoginAttempts,
  account: User,
  counted: Attempt,
  request: RequestInfo,
): Promise<void> {
  const otherNames = namesOf(account).filter(other => other !== name.name)
  const reset = [
    name,
    ...otherNames.map(other => nameAttempt(app, other)),
    ...(device ? [device.attempt] : []),
  ]
  await forgiveWithin(app, account.id, work, { whole: reset, single: [counted] }, request)
}

/** Resets `attempt` after any other proof of the account's password, within the same budget as `forgiveLogin`. */
export async function forgiveProof(
  app: App,
  accountId: string,
  attempt: Attempt,
  request: RequestInfo,
): Promise<void> {
  const work = workAttempt(request.ipAddress)
  await forgiveWithin(app, accountId, work, { whole: [attempt], single: [] }, request)
}

/** Spends the hashing budgets of the account and of the network, and forgives unless either is used up. */
async function forgiveWithin(
  app: App,
  accountId: string,
  networkWork: Attempt,
  forgiven: Forgiveness,
  request: RequestInfo,
): Promise<void> {
  const spent: Attempt[] = [{ rule: 'work.account', subject: accountId }, networkWork]
  try {
    await countAttempt(app, spent, request, forgiven)
  } catch (error) {
    if (!(error instanceof LimitHit)) throw error
  }
}

/** Resets the attempts on both names of an account whose password was replaced with an emailed link. */
export async function forgiveAccount(app: App, account: Names): Promise<void> {
  await forgiveAttempts(
    app,
    namesOf(account).map(name => nameAttempt(app, name)),
  )
}

type Names = Pick<User, 'emailCanonical' | 'username'>

function namesOf({ emailCanonical, username }: Names): string[] {
  return username === null ? [emailCanonical] : [emailCanonical, username]
}

function nameAttempt(app: App, name: string): Attempt {
  return { rule: 'login.account', subject: hashedSubject(app, name), name }
}

function workAttempt(ipAddress: RequestInfo['ipAddress']): Attempt {
  return { rule: 'work.network', subject: networkOf(ipAddress) }
}
