// Keeps the code that V8 compiles for a start (decision 027). The build runs this with the flags of `npm start`, because V8
// only reads code of a process with the same flags.
import { createRequire } from 'node:module'
import { holdYoungGeneration } from '../../dist/launch.js'

const { load, keepCode } = createRequire(import.meta.url)('../../dist/bundled/load.cjs')
holdYoungGeneration()
await keepCode(async () => {
  load('serve.cjs')
  await load('rehearse.cjs').rehearse()
})
