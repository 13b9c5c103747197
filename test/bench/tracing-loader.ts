// Preloaded by the bench of tracing: puts the calls of tracing under a switch as the service is compiled. SIGUSR2 turns it.
import Module from 'node:module'
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

type Compile = (this: unknown, content: string, file: string) => unknown
// The bundle is CommonJS, which loader hooks do not see. Node has no types for this method.
const modules = Module.prototype as unknown as { _compile: Compile }
const { _compile: compile } = modules
modules._compile = function (this: unknown, content, file) {
  if (!file.includes('/dist/bundled/')) return compile.call(this, content, file)
  found += content.match(CALL)?.length ?? 0
  const switched = content.replaceAll(CALL, call => `if (globalThis.hasTracing) ${call}`)
  return compile.call(this, switched, file)
}

const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...given: Parameters<typeof listen>) {
  if (found !== COUNT) throw new Error(`The service has ${found} calls of tracing instead of ${COUNT}.`)
  return listen.apply(this, given)
} as typeof listen
