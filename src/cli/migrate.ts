import { withApp } from './with-app.ts'

/** Opening the app migrates; this says so and does nothing else. */
export async function runMigrations(): Promise<void> {
  await withApp(async () => {
    process.stdout.write('The database is up to date.\n')
  })
}
