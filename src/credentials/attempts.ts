import type { App } from '../app.ts'
import type { RequestInfo } from '../context.ts'
import { type Device, isKnownDevice } from '../devices/device.ts'
import type { User } from '../generated/prisma/client.ts'
import { networkOf } from '../network/address.ts'
import { hashedSubject } from '../rate-limit/hashed-subject.ts'
import { type Attempt, countAttempt, forgiveAttempts, LimitHit } from '../rate-limit/limit.ts'

/** Who signs in, as far as limits are concerned. */
export type LoginAttempt = {
  /** The identifier in its canonical form, or as it was given where it has none. */
  name: string
  /** The account that has this name, looked up only where it matters. */
  findAccount: () => Promise<Pick<User, 'id'> | undefined>
  /** The device that the client presented. */
  device: Device | undefined
}

/**
 * Counts an attempt to sign in before anything is hashed: on the network and on the name as it was given, so that the
 * answer is the same whether or not an account has the name, and which other name it has. Where strangers have used up
 * either, a device that the account knows goes on with attempts of its own.
 * @returns what a correct password gives back
 * @throws AuthError RATE_LIMITED, which tells anyone, and so the owner too, how to get in meanwhile
 */
export async function countLogin(app: App, attempt: LoginAttempt, request: RequestInfo): Promise<Attempt[]> {
  try {
    return await countOnce(app, attempt, request)
  } catch (error) {
    if (!(error instanceof LimitHit) || !app.mailer) throw error
    const { rule, retryAfter } = error
    throw new LimitHit(rule, retryAfter, BLOCKED)
  }
}

const BLOCKED =
  'Too many attempts to sign in. Wait a while, or set a new password with the link that “Forgot password” emails you: the browser or app in which you do that can sign in immediately.'

async function countOnce(
  app: App,
  { name, findAccount, device }: LoginAttempt,
  request: RequestInfo,
): Promise<Attempt[]> {
  const network: Attempt = { rule: 'login.network', subject: networkOf(request.ipAddress) }
  try {
    await countAttempt(app, [network, nameAttempt(app, name)], request)
    return [network]
  } catch (error) {
    if (!(error instanceof LimitHit) || !device) throw error
    // Before the look-up, so that a device of one account buys few look-ups of others.
    await countOr(app, deviceAttempt(app, device), request, error)
    const account = await findAccount()
    if (!(await isKnownDevice(app, account?.id, device))) throw error
    // Not filled by strangers. Without it, a network with many accounts of its own would have no limit.
    const work = workAttempt(request)
    await countOr(app, work, request, error)
    return [work]
  }
}

/** Counts an attempt; where that is used up too, `blocked` stands, with the shorter of both waits. */
async function countOr(app: App, attempt: Attempt, request: RequestInfo, blocked: LimitHit): Promise<void> {
  try {
    await countAttempt(app, [attempt], request)
  } catch (error) {
    if (!(error instanceof LimitHit)) throw error
    throw error.retryAfter < blocked.retryAfter ? error : blocked
  }
}

/**
 * Gives attempts back once the password is proved: those on both names of the account and on the device, and `single`
 * by one. Each time costs a budget of hashing work that nothing gives back, so that correct passwords are not free work.
 * Where it is spent, the attempts stay counted. Only correct passwords and known devices spend it: strangers cannot.
 */
export async function forgiveLogin(
  app: App,
  account: User,
  device: Device | undefined,
  single: Attempt[],
  request: RequestInfo,
): Promise<void> {
  const whole = [...nameAttempts(app, account), ...(device ? [deviceAttempt(app, device)] : [])]
  await forgiveProof(app, account.id, request, whole, single)
}

/** As `forgiveLogin`, for any proof of the account's password. */
export async function forgiveProof(
  app: App,
  accountId: string,
  request: RequestInfo,
  whole: Attempt[],
  single: Attempt[] = [],
): Promise<void> {
  try {
    await countAttempt(app, [{ rule: 'work.account', subject: accountId }, workAttempt(request)], request)
  } catch (error) {
    if (error instanceof LimitHit) return
    throw error
  }
  await forgiveAttempts(app, whole, single)
}

/** Forgets the attempts of an account whose password was replaced by a link from an email. */
export async function forgiveAccount(
  app: App,
  account: Pick<User, 'emailCanonical' | 'username'>,
): Promise<void> {
  await forgiveAttempts(app, nameAttempts(app, account))
}

function nameAttempts(app: App, { emailCanonical, username }: Pick<User, 'emailCanonical' | 'username'>) {
  return [emailCanonical, username].flatMap(name => (name === null ? [] : [nameAttempt(app, name)]))
}

function nameAttempt(app: App, name: string): Attempt {
  return { rule: 'login.account', subject: hashedSubject(app, name), name }
}

/** Of one device for all accounts together. */
function deviceAttempt(app: App, { secretHash }: Device): Attempt {
  return { rule: 'login.device', subject: hashedSubject(app, secretHash) }
}

function workAttempt({ ipAddress }: RequestInfo): Attempt {
  return { rule: 'work.network', subject: networkOf(ipAddress) }
}
