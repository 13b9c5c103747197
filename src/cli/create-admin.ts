import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createAdministrator } from '../admin/users/create-administrator.ts'
import {
  type ExistingAccount,
  findByAddress,
  promoteToAdministrator,
} from '../admin/users/promote-to-administrator.ts'
import type { App } from '../app.ts'
import { AuthError } from '../errors.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

type Options = {
  email: string
  username?: string
  displayName?: string
  passwordStdin?: boolean
  promote?: boolean
  verify?: boolean
  json?: boolean
}

export async function createAdmin(options: Options): Promise<void> {
  const { passwordStdin, promote, username, displayName, verify } = options
  if (verify && !promote) throw usageError('--verify requires --promote.')
  if (promote && (passwordStdin || username !== undefined || displayName !== undefined)) {
    throw usageError(
      '--promote can’t be combined with --password-stdin, --username or --display-name: the account keeps its password and names.',
    )
  }
  await withApp(app => (promote ? promoteExisting(app, options) : createNew(app, options)))
}

async function createNew(app: App, options: Options): Promise<void> {
  const { email, username, displayName, passwordStdin, json } = options
  const known = await findByAddress(app, email)
  if (known) throw new AuthError('EMAIL_TAKEN', { message: aboutExisting(known) })
  const password = passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : await askPassword()
  const id = await createAdministrator(app, { email, username, displayName, password })
  const created = `Created the administrator ${email}. Sign in with the password you entered.`
  print(created, { id, email, created: true, disabled: false }, json)
}

async function promoteExisting(app: App, { email, verify = false, json }: Options): Promise<void> {
  const known = await findByAddress(app, email)
  if (!known)
    throw new AuthError('NOT_FOUND', {
      message: `${email} has no account. To create one, leave out --promote.`,
    })
  if (!known.emailVerifiedAt && !verify) {
    throw new AuthError('EMAIL_NOT_VERIFIED', { message: aboutUnverified(known) })
  }
  const { account, changed } = await promoteToAdministrator(app, email, { verify })
  const disabled = account.disabledAt !== null
  const hint = disabled ? ' The account is disabled, so no one can sign in to it until you enable it.' : ''
  const message = changed
    ? `${account.email} is now an administrator. Its password is unchanged; its sessions and links have ended.`
    : `${account.email} is already an administrator. Nothing changed.`
  print(`${message}${hint}`, { id: account.id, email, created: false, disabled }, json)
}

function aboutExisting(known: ExistingAccount): string {
  const state = known.emailVerifiedAt ? 'is verified' : 'was never verified'
  return `${known.email} already has an account, registered at ${known.createdAt.toISOString()}; its address ${state}. \
Nothing changed, and no password was set. To make this account an administrator, use --promote.`
}

function aboutUnverified(known: ExistingAccount): string {
  return `The address ${known.email} was never verified. Someone other than its owner may have registered it and know the password. \
Ask the owner to reset the password, which also verifies the address. If you know that the owner registered it, add --verify.`
}

function usageError(message: string): AuthError {
  return new AuthError('BAD_USER_INPUT', { message })
}

/** Asks for the password without showing it. */
async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new AuthError('BAD_USER_INPUT', {
      message:
        'There is no terminal to ask for the password. Pipe it to standard input with --password-stdin.',
    })
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  process.stderr.write('Password: ')
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stderr.write('\n')
  }
}
