// Some commands load classes with decorators.
import 'reflect-metadata'
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { addServiceCommands } from './service-commands.ts'
import { addWebhookCommands } from './webhook-commands.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const JSON_OPTION = ['--json', 'write the result to standard output as JSON'] as const

const program = new Command('authograph')
  .description('Manages an Authograph server. Settings come from the environment and from .env.')
  .version(version)
  .showHelpAfterError()
  .addHelpText(
    'after',
    '\nExit codes: 0 success, 1 failure (see standard error). The help of each command lists further codes.',
  )

// Each command loads its code when it runs: most of it takes long to load.
program
  .command('start')
  .description('Starts the server, with its own PostgreSQL unless DATABASE_URL is set. A signal ends it.')
  .action(async () => (await import('./start.ts')).startHere())

program
  .command('create-admin')
  .description('Creates an administrator, or promotes an existing account with --promote.')
  .requiredOption('--email <address>', 'the account’s email address')
  .option('--username <name>', 'a username to sign in with')
  .option('--display-name <name>', 'the name shown to people')
  .option('--password-stdin', 'read the password from standard input instead of asking for it')
  .option(
    '--promote',
    'assign the role admin to the account with this address, and end its sessions and links',
  )
  .option('--verify', 'with --promote: mark the address as verified, because you know who registered it')
  .option(...JSON_OPTION)
  .action(async options => (await import('./create-admin.ts')).createAdmin(options))

program
  .command('doctor')
  .description('Checks the settings, the database, the clock, the keys and email, and suggests fixes.')
  .option(...JSON_OPTION)
  .addHelpText('after', '\nExit codes: 0 no check failed (there may be warnings), 1 a check failed.')
  .action(async options => (await import('./doctor.ts')).runDoctor(options))

program
  .command('import-users')
  .description('Imports accounts and password hashes from other systems. Safe to run again.')
  .argument('<file>', 'a JSON Lines or CSV file, or - for standard input')
  .addOption(
    new Option('--format <format>', 'the format of the file; detected from its name by default').choices([
      'jsonl',
      'csv',
    ]),
  )
  .option('--map <field=column>', 'the column of a field, such as email=mail; repeatable', collect)
  .option('--allow-admin', 'also import accounts whose roles grant permissions, such as admin and support')
  .option('--rp-id <domain>', 'the domain that the file’s passkeys were created for')
  .option('--provider <theirs=ours>', 'a provider’s name in the file and in PROVIDERS; repeatable', collect)
  .option('--without-provider <name>', 'leave out the identities of this provider; repeatable', collect)
  .option('--dry-run', 'report what an import would do, and change nothing')
  .option('--report <file>', 'write every skipped record to this file, as JSON Lines')
  .option(...JSON_OPTION)
  .addHelpText(
    'after',
    '\nExit codes: 0 all accounts exist, 1 failure, 2 records were skipped, 130 interrupted (run it again).',
  )
  .action(async (file, options) => (await import('./import-users.ts')).runImport(file, options))

program
  .command('export-users')
  .description('Writes every account as a line of JSON that import-users can read.')
  .option('--out <file>', 'write to a new file instead of standard output')
  .option('--with-password-hashes', 'include password hashes; keep the file secret')
  .option(
    '--with-second-factors',
    'include secrets of authenticator apps, hashes of recovery codes, and passkeys; keep the file secret',
  )
  .action(async options => (await import('./export-users.ts')).runExport(options))

program
  .command('require-second-factor')
  .description('Requires a second factor from everyone with a role, from now on or from a later time.')
  .requiredOption('--role <name>', 'the role; admin for every administrator')
  .option('--from <time>', 'when the requirement starts, such as 2030-01-31T12:00:00Z; now if omitted')
  .option('--off', 'no longer require one')
  .option(...JSON_OPTION)
  .action(async options => (await import('./require-second-factor.ts')).requireSecondFactor(options))

program
  .command('reset-factors')
  .description(
    'Removes every second factor of an account whose owner has lost them. The next sign-in must add one.',
  )
  .requiredOption('--email <address>', 'the account’s email address')
  .requiredOption('--reason <text>', 'why, for the audit log')
  .option(...JSON_OPTION)
  .action(async options => (await import('./reset-factors.ts')).resetFactors(options))

program
  .command('migrate')
  .description('Applies pending database migrations. The server also does this when it starts.')
  .option(...JSON_OPTION)
  .action(async options => (await import('./migrate.ts')).runMigrations(options))

program
  .command('print-schema')
  .description('Writes the GraphQL schema to standard output or to a file.')
  .option('--out <file>', 'write to this file instead of standard output')
  .option('--federation', 'write the schema of the subgraph of FEDERATION=on')
  .action(async options => (await import('./print-schema.ts')).printSchemaFile(options))

program
  .command('prune')
  .description(
    'Deletes expired records: sessions, links, sent emails, attempts. The server also does this every minute.',
  )
  .option(...JSON_OPTION)
  .action(async options => (await import('./prune.ts')).runPrune(options))

program
  .command('rotate-keys')
  .description('Creates a signing key, which takes over when every cache has it.')
  .option('--revoke', 'for a leaked key: the new key signs immediately, and all other keys are removed')
  .option('--end-all-sessions', 'also replace the refresh-token key; everyone must sign in again')
  .option(...JSON_OPTION)
  .action(async options => (await import('./rotate-keys.ts')).rotateKeysNow(options))

addServiceCommands(
  program
    .command('services')
    .description('Lists, creates, changes, deletes, exports and imports service accounts.'),
)

addWebhookCommands(
  program
    .command('webhooks')
    .description('Lists, creates, changes and deletes webhooks, and sends failed events again.'),
)

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

/** Runs the command in the arguments of the process, and sets the exit code. */
export async function run(): Promise<void> {
  // For example, `export-users | head` closes the pipe. Without a listener, the error would end the process.
  let outputError: Error | undefined
  process.stdout.on('error', error => {
    outputError = error
    process.exitCode = 1
  })

  try {
    await program.parseAsync()
  } catch (error) {
    const { explain } = await import('../explain.ts')
    process.stderr.write(`${error === outputError ? 'Standard output was closed.' : explain(error)}\n`)
    process.exitCode = 1
  }
}
