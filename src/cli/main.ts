#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { explain } from '../explain.ts'
import { createAdmin } from './create-admin.ts'
import { runDoctor } from './doctor.ts'
import { runExport } from './export-users.ts'
import { runImport } from './import-users.ts'
import { runMigrations } from './migrate.ts'
import { printSchemaFile } from './print-schema.ts'
import { runPrune } from './prune.ts'
import { rotateKeysNow } from './rotate-keys.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const JSON_OPTION = ['--json', 'write the outcome to standard output as JSON'] as const

const program = new Command('authograph')
  .description('Looks after an Authograph server. Settings come from the environment and from .env.')
  .version(version)
  .showHelpAfterError()
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed (standard error says why); further ones in the help of a command.',
  )

program
  .command('create-admin')
  .description('Creates an administrator, or makes an existing account one (--promote).')
  .requiredOption('--email <address>', 'the account’s email address')
  .option('--username <name>', 'a name to sign in with')
  .option('--display-name <name>', 'the name to greet with')
  .option('--password-stdin', 'read the password from standard input instead of asking for it')
  .option(
    '--promote',
    'give the role admin to the account that has this address; ends its sessions and links',
  )
  .option('--verify', 'with --promote: verify the address, because you know who registered it')
  .option(...JSON_OPTION)
  .action(createAdmin)

program
  .command('doctor')
  .description('Looks at the settings, the database, the clock, the keys and the mail, and says what to do.')
  .option(...JSON_OPTION)
  .addHelpText('after', '\nExit codes: 0 nothing is broken (there may be warnings), 1 something is.')
  .action(runDoctor)

program
  .command('import-users')
  .description('Takes over accounts, with the password hashes of other systems. Can be run again.')
  .argument('<file>', 'a file of JSON lines or CSV, or - for standard input')
  .addOption(
    new Option('--format <format>', 'what the file is, where its name does not say').choices([
      'jsonl',
      'csv',
    ]),
  )
  .option('--map <field=column>', 'another name for a field, such as email=mail; may be repeated', collect)
  .option('--allow-admin', 'also take accounts whose roles grant permissions, such as admin and support')
  .option('--dry-run', 'look, and change nothing')
  .option('--report <file>', 'write every skipped record there, as JSON lines')
  .option(...JSON_OPTION)
  .addHelpText(
    'after',
    '\nExit codes: 0 every account is there, 1 failed, 2 records were skipped, 130 interrupted (run it again).',
  )
  .action(runImport)

program
  .command('export-users')
  .description('Writes every account as a line of JSON, as import-users takes it.')
  .option('--out <file>', 'a new file to write to instead of standard output')
  .option('--with-password-hashes', 'with the password hashes: keep the file secret')
  .action(runExport)

program
  .command('migrate')
  .description('Brings the database up to date; the server does so itself when it starts.')
  .option(...JSON_OPTION)
  .action(runMigrations)

program
  .command('print-schema')
  .description('Writes the GraphQL schema to standard output or to a file.')
  .option('--out <file>', 'where to write it')
  .action(printSchemaFile)

program
  .command('prune')
  .description(
    'Deletes what is over: sessions, links, sent mails, attempts; the server does so every minute.',
  )
  .option(...JSON_OPTION)
  .action(runPrune)

program
  .command('rotate-keys')
  .description('Creates a new signing key, which takes over when every cache can have it.')
  .option('--revoke', 'for a key that leaked: the new key signs immediately, and every other is gone')
  .option('--end-all-sessions', 'replace the key of the refresh tokens too; everyone has to sign in again')
  .option(...JSON_OPTION)
  .action(rotateKeysNow)

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

// Such as `export-users | head`; without a listener the process would die of it.
let unread: Error | undefined
process.stdout.on('error', error => {
  unread = error
  process.exitCode = 1
})

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`${error === unread ? 'No one reads standard output any more.' : explain(error)}\n`)
  process.exitCode = 1
}
