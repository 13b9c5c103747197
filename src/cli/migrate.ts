import { print } from './print.ts'
import { withApp } from './with-app.ts'

/** Opening the app applies pending migrations; this reports them. */
export async function runMigrations({ json }: { json?: boolean }): Promise<void> {
  await withApp(async ({ migrated }) => {
    const count = migrated.length
    const text =
      count === 0
        ? 'The database is up to date. Nothing was applied.'
        : [
            `Applied ${count} ${count === 1 ? 'migration' : 'migrations'}:`,
            ...migrated.map(name => `  ${name}`),
          ].join('\n')
    print(text, { upToDate: true, applied: migrated }, json)
  })
}
