import type { Command } from 'commander'

const JSON_OPTION = ['--json', 'write the result to standard output as JSON'] as const

/** Loaded when a command runs: most of it takes long to load. */
const load = () => import('./webhooks.ts')

/** The commands below `webhooks`. */
export function addWebhookCommands(webhooks: Command): void {
  webhooks
    .command('list')
    .description('Lists all webhooks.')
    .option(...JSON_OPTION)
    .action(async options => (await load()).list(options))
  webhooks
    .command('create')
    .description('Creates a webhook and prints its secret, which is never shown again.')
    .requiredOption('--url <address>', 'the address that events are posted to')
    .option('--event <name>', 'an event to send; repeatable; every event if omitted', collect)
    .option('--disable', 'send nothing yet')
    .option(...JSON_OPTION)
    .action(async options => (await load()).create(options))
  webhooks
    .command('update')
    .description('Changes what the options name, and leaves the rest as it is.')
    .argument('<id>', 'the webhook’s ID')
    .option('--url <address>', 'the new address')
    .option('--event <name>', 'an event to send; repeatable; replaces all', collect)
    .option('--enable', 'send events')
    .option('--disable', 'queue and send nothing')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).update(id, options))
  webhooks
    .command('rotate-secret')
    .description('Prints a new secret. The former one signs too for 24 hours.')
    .argument('<id>', 'the webhook’s ID')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).rotate(id, options))
  webhooks
    .command('delete')
    .description('Deletes a webhook and what is queued for it.')
    .argument('<id>', 'the webhook’s ID')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).remove(id, options))
  webhooks
    .command('failed')
    .description('Lists deliveries that failed and are no longer retried, newest first.')
    .option(...JSON_OPTION)
    .action(async options => (await load()).listFailed(options))
  webhooks
    .command('retry')
    .description('Queues a failed delivery again, or with --all every one.')
    .argument('[id]', 'the delivery’s ID')
    .option('--all', 'every failed delivery')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).retry(id, options))
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}
