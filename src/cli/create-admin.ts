import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createAdministrator, promoteToAdministrator } from '../admin/create-administrator.ts'
import { AuthError } from '../errors.ts'
import { withApp } from './with-app.ts'

type Options = { email: string; username?: string; displayName?: string; passwordStdin?: boolean }

export async function createAdmin({ email, username, displayName, passwordStdin }: Options): Promise<void> {
  await withApp(async app => {
    const promoted = await promoteToAdministrator(app, email)
    if (promoted) {
      const hint = promoted.disabledAt ? ' It is disabled: nobody can sign in to it until it is enabled.' : ''
      process.stdout.write(
        `${email} had an account already and is an administrator now; its password stays.${hint}\n`,
      )
      return
    }
    const password = passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : await askPassword()
    await createAdministrator(app, { email, username, displayName, password })
    process.stdout.write(`${email} is an administrator. Sign in with the password you gave.\n`)
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
