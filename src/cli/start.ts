import { relaunch } from '../launch.ts'

/** Runs the server in this process, as `npm start` does in a checkout. Its data goes to the working folder. */
export async function startHere(): Promise<void> {
  relaunch()
  // Imported late, because `relaunch` may replace the process.
  const { serve } = await import('../serve.ts')
  await serve()
}
