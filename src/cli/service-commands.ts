import type { Command } from 'commander'

const JSON_OPTION = ['--json', 'write the result to standard output as JSON'] as const

/** Loaded when a command runs: most of it takes long to load. */
const load = () => import('./services.ts')

/** The commands below `services`. */
export function addServiceCommands(services: Command): void {
  services
    .command('list')
    .description('Lists all service accounts with their client IDs.')
    .option(...JSON_OPTION)
    .action(async options => (await load()).list(options))
  services
    .command('create')
    .description('Creates a service account and prints its secret, which is never shown again.')
    .requiredOption('--name <name>', 'a name that no other service account has')
    .option('--role <name>', 'a role; repeatable', collect)
    .option(
      '--audience <value>',
      'what its tokens can be for; repeatable, the default first; TOKEN_AUDIENCE if omitted',
      collect,
    )
    .option('--key <file>', 'a public key (PEM or JWK) instead of a secret; repeatable', collect)
    .option(...JSON_OPTION)
    .action(async options => (await load()).create(options))
  services
    .command('update')
    .description('Changes what the options name, and leaves the rest as it is.')
    .argument('<id>', 'the client ID')
    .option('--name <name>', 'the new name')
    .option('--role <name>', 'a role; repeatable; replaces all', collect)
    .option('--audience <value>', 'an audience; repeatable; replaces all', collect)
    .option('--add-key <file>', 'a public key (PEM or JWK) to add; repeatable; ends a secret', collect)
    .option('--remove-key <kid>', 'the ID of a key to remove; repeatable', collect)
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).update(id, options))
  services
    .command('rotate-secret')
    .description('Prints a new secret. The current one and all tokens end immediately.')
    .argument('<id>', 'the client ID')
    .option('--keep-previous <seconds>', 'keep the current secret, and the tokens, for up to 604800 seconds')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).rotate(id, options))
  services
    .command('delete')
    .description('Deletes a service account. Its tokens end immediately.')
    .argument('<id>', 'the client ID')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).remove(id, options))
  services
    .command('export')
    .description('Writes every service account as a line of JSON that import can read.')
    .option('--with-secret-hashes', 'include the hashes of secrets, so that programs keep theirs')
    .action(async options => (await load()).exportAll(options))
  services
    .command('import')
    .description('Creates the service accounts of a file, with their client IDs. Safe to run again.')
    .argument('<file>', 'a file that export has written, or - for standard input')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExit codes: 0 all accounts exist, 1 failure, 2 accounts were skipped.')
    .action(async (file, options) => (await load()).importAll(file, options))
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}
