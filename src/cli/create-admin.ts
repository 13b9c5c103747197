import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  createAdministrator,
  findByAddress,
  type KnownAccount,
  promoteToAdministrator,
} from '../admin/users/create-administrator.ts'
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
  if (verify && !promote) throw badUse('--verify is only for an account that exists: add --promote.')
  if (promote && (passwordStdin || username !== undefined || displayName !== undefined)) {
    throw badUse(
      'An account that exists keeps its password, username and name: leave out --password-stdin, --username and --display-name.',
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
  const created = `${email} is an administrator. Sign in with the password you gave.`
  print(created, { id, email, created: true, disabled: false }, json)
}

async function promoteExisting(app: App, { email, verify = false, json }: Options): Promise<void> {
  const known = await findByAddress(app, email)
  if (!known) throw new AuthError('NOT_FOUND', { message: `${email} has no account. Leave out --promote.` })
  if (!known.emailVerifiedAt && !verify) {
    throw new AuthError('EMAIL_NOT_VERIFIED', { message: aboutUnverified(known) })
  }
  const { account, changed } = await promoteToAdministrator(app, email, { verify })
  const disabled = account.disabledAt !== null
  const hint = disabled ? ' The account is disabled: no one can sign in to it until you enable it.' : ''
  const message = changed
    ? `${account.email} is an administrator now. Its password stays; its sessions and links have ended.`
    : `${account.email} is an administrator already. Nothing changed.`
  print(`${message}${hint}`, { id: account.id, email, created: false, disabled }, json)
}

function aboutExisting(known: KnownAccount): string {
  const state = known.emailVerifiedAt ? 'verified' : 'never verified'
  return `${known.email} has an account already, registered ${known.createdAt.toISOString()}, its address ${state}. \
Nothing changed and no password was set. To make this account an administrator, use --promote.`
}

function aboutUnverified(known: KnownAccount): string {
  return `The address ${known.email} was never verified: anyone may have registered it, and knows its password. \
Have its owner reset the password, which also verifies the address. If you know that the owner registered it, add --verify.`
}

function badUse(message: string): AuthError {
  return new AuthError('BAD_USER_INPUT', { message })
}

/** Asks without showing what is typed. */
async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new AuthError('BAD_USER_INPUT', {
      message: 'There is no terminal to ask for the password on: pipe it in with --password-stdin.',
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
