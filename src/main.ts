import { relaunch } from './launch.ts'

await relaunch()
// Only now: loading the service takes longer than everything before it.
await import('./serve.ts')
