import { holdYoungGeneration, relaunch } from './launch.ts'

relaunch()
const letYoungGenerationGrow = holdYoungGeneration()
// Imported late, because `relaunch` may replace the process and loading the service takes long.
const { serve } = await import('./serve.ts')
await serve()
letYoungGenerationGrow()
