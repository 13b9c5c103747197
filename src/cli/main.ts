#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigError } from '../config.ts'
import { AuthError } from '../errors.ts'
import { createAdmin } from './create-admin.ts'
import { runMigrations } from './migrate.ts'
import { printSchemaFile } from './print-schema.ts'
import { rotateKeysNow } from './rotate-keys.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('authograph')
  .description('Looks after an Authograph server. Settings come from the environment and from .env.')
  .version(version)
  .showHelpAfterError()

program
  .command('create-admin')
  .description('Makes an account that may do everything, or gives an existing one the role admin.')
  .requiredOption('--email <address>', 'the account’s e-mail address')
  .option('--username <name>', 'a name to sign in with')
  .option('--display-name <name>', 'the name to greet with')
  .option('--password-stdin', 'read the password from standard input instead of asking for it')
  .action(createAdmin)

program
  .command('migrate')
  .description('Brings the database up to date; the server does so itself when it starts.')
  .action(runMigrations)

program
  .command('print-schema')
  .description('Writes the GraphQL schema to standard output or to a file.')
  .option('--out <file>', 'where to write it')
  .action(printSchemaFile)

program
  .command('rotate-keys')
  .description('Makes a new signing key, which takes over once everybody can have seen it.')
  .action(rotateKeysNow)

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
}

function explain(error: unknown): string {
  if (error instanceof AuthError) {
    const fields = Object.values((error.extensions.fields ?? {}) as Record<string, string[]>).flat()
    return [error.message, ...fields].join('\n  ')
  }
  if (error instanceof ConfigError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
