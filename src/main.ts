import { relaunch } from './launch.ts'

relaunch()
// Imported late, because `relaunch` may replace the process and loading the service takes long.
await import('./serve.ts')
