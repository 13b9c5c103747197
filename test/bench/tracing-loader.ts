// Preloaded by the bench of tracing: `?without` removes the calls of tracing from the service as it is compiled.
import Module from 'node:module'
import { Server } from 'node:net'

/**
 * The calls that are on the way of a request. The others decide at the start, or belong to emails and deliveries. The
 * service does not start if the code has changed, so that the bench never compares a build with itself.
 */
const CALL = /tracing\?\.operation\([^;]*\);/g
const COUNT = 1

const without = import.meta.url.endsWith('?without')
let found = 0

type Compile = (this: unknown, content: string, file: string) => unknown
// The bundle is CommonJS, which loader hooks do not see. Node has no types for this method.
const modules = Module.prototype as unknown as { _compile: Compile }
const { _compile: compile } = modules
modules._compile = function (this: unknown, content, file) {
  if (!file.includes('/dist/bundled/')) return compile.call(this, content, file)
  found += content.match(CALL)?.length ?? 0
  return compile.call(this, without ? content.replaceAll(CALL, '') : content, file)
}

const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...given: Parameters<typeof listen>) {
  if (found !== COUNT) throw new Error(`The service has ${found} calls of tracing instead of ${COUNT}.`)
  return listen.apply(this, given)
} as typeof listen
