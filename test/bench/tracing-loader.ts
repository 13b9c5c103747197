// Preloaded by the bench of tracing: puts the calls of tracing under a switch as the service is compiled. SIGUSR2 turns it.
import fs from 'node:fs'
import { Server } from 'node:net'

/**
 * The calls that are on the way of a request. The others decide at the start, or belong to emails and deliveries. The
 * service does not start if the code has changed, so that the bench never compares the service with itself.
 */
const CALL = /tracing\?\.operation\([^;]*\);/g
const COUNT = 1

const state = globalThis as unknown as { hasTracing: boolean }
state.hasTracing = true
process.on('SIGUSR2', () => {
  state.hasTracing = !state.hasTracing
})

let found = 0

// The bundle's own loader reads its files with this. Code that was compiled before is of another length, so it is not used.
const { readFileSync: read } = fs
fs.readFileSync = function (this: unknown, ...given: Parameters<typeof read>) {
  const content = read.apply(this, given)
  if (typeof content !== 'string' || !String(given[0]).includes('/dist/bundled/')) return content
  found += content.match(CALL)?.length ?? 0
  return content.replaceAll(CALL, call => `if (globalThis.hasTracing) ${call}`)
} as typeof read

const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...given: Parameters<typeof listen>) {
  if (found !== COUNT) throw new Error(`The service has ${found} calls of tracing instead of ${COUNT}.`)
  return listen.apply(this, given)
} as typeof listen
