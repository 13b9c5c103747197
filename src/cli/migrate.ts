import { print } from './print.ts'
import { withApp } from './with-app.ts'

/** Opening the app migrates; this says so and does nothing else. */
export async function runMigrations({ json }: { json?: boolean }): Promise<void> {
  await withApp(async () => print('The database is up to date.', { upToDate: true }, json))
}
