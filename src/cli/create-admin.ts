import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createAdministrator, promoteToAdministrator } from '../admin/create-administrator.ts'
import { AuthError } from '../errors.ts'
import { print } from './print.ts'
import { withApp } from './with-app.ts'

type Options = {
  email: string
  username?: string
  displayName?: string
  passwordStdin?: boolean
  json?: boolean
}

export async function createAdmin(options: Options): Promise<void> {
  const { email, username, displayName, passwordStdin, json } = options
  await withApp(async app => {
    const promoted = await promoteToAdministrator(app, email)
    if (promoted) {
      const disabled = promoted.disabledAt !== null
      const hint = disabled ? ' It is disabled: nobody can sign in to it until it is enabled.' : ''
      const message = `${email} had an account already and is an administrator now; its password stays.${hint}`
      print(message, { id: promoted.id, email, created: false, disabled }, json)
      return
    }
    const password = passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : await askPassword()
    const id = await createAdministrator(app, { email, username, displayName, password })
    const made = `${email} is an administrator. Sign in with the password you gave.`
    print(made, { id, email, created: true, disabled: false }, json)
  })
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
