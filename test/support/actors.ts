import { randomBytes, randomUUID } from 'node:crypto'
import type { LoginInput, RegisterInput, RegisterMutation } from '../generated/graphql.ts'
import { Login, Register, type SimpleLogin } from './operations.ts'
import type { Reply, Sending, Service } from './service.ts'

/** A password that passes the password policy. The tests share it. */
export const PASSWORD = 'seventeen brass engines'

/** An account and one of its sessions. */
export type SignedIn = {
  id: string
  email: string
  accessToken: string
  refreshToken: string
  sessionId: string
}

/** An email address that no account has: `ada.<digits>@example.com` for `ada`. No search for a name finds the digits. */
export function newAddress(prefix?: string): string {
  return `${prefix ? `${prefix}.` : ''}${newDigits()}@example.com`
}

/** A username that no account has. No search for a name finds it. */
export function newUsername(): string {
  return `u${newDigits()}`
}

function newDigits(): string {
  return BigInt(`0x${randomBytes(12).toString('hex')}`)
    .toString()
    .padStart(29, '0')
}

/** Sends a registration, which may be refused. */
export function register(
  service: Service,
  input: Partial<RegisterInput> = {},
  sending?: Sending,
): Promise<Reply<RegisterMutation>> {
  return service.send(Register, { input: { email: newAddress(), password: PASSWORD, ...input } }, sending)
}

/** Sends a sign-in, which may be refused. */
export function login(
  service: Service,
  input: Partial<LoginInput> & { identifier: string },
  sending?: Sending,
): Promise<Reply<SimpleLogin>> {
  return service.send(Login, { input: { password: PASSWORD, ...input } }, sending)
}

/** A new account with a session. */
export async function signUp(
  service: Service,
  input: { email?: string; username?: string; displayName?: string } = {},
): Promise<SignedIn> {
  const email = input.email ?? newAddress()
  const reply = await register(service, { ...input, email })
  return signedIn(email, reply, reply.data?.register)
}

/** A new account with a verified address and a session. */
export async function signUpVerified(
  service: Service,
  input: { email?: string; username?: string } = {},
): Promise<SignedIn> {
  const account = await signUp(service, input)
  const data = { emailVerifiedAt: service.clock.now() }
  await service.app.db.user.update({ where: { id: account.id }, data })
  return account
}

/** A new account with these roles in addition to `user`, and a session. */
export async function signUpWith(service: Service, ...roles: string[]): Promise<SignedIn> {
  const account = await signUp(service)
  await service.app.db.userRole.createMany({
    data: roles.map(roleName => ({ userId: account.id, roleName })),
  })
  return account
}

/** A new administrator with a session. */
export function signUpAdmin(service: Service): Promise<SignedIn> {
  return signUpWith(service, 'admin')
}

/** A further session of an account. */
export async function signIn(service: Service, email: string, password = PASSWORD): Promise<SignedIn> {
  const reply = await login(service, { identifier: email, password })
  return signedIn(email, reply, reply.data?.login)
}

/** Sends a request as this account: `service.send(Me, {}, as(account))`. */
export function as({ accessToken }: Pick<SignedIn, 'accessToken'>): Sending {
  return { token: accessToken }
}

/** A new role with these permissions, by its name. */
export async function newRole({ app }: Service, ...permissions: string[]): Promise<string> {
  const name = `role-${randomUUID()}`.slice(0, 32)
  await app.db.role.create({ data: { name, permissions } })
  return name
}

type Payload = RegisterMutation['register'] | SimpleLogin['login']

function signedIn(email: string, { errors }: Reply<unknown>, payload: Payload | undefined): SignedIn {
  if (payload?.__typename !== 'AuthPayload' || !payload.refreshToken)
    throw new Error(`not signed in: ${JSON.stringify(errors)}`)
  const { user, session, accessToken, refreshToken } = payload
  return { id: user.id, email, accessToken, refreshToken, sessionId: session.id }
}
