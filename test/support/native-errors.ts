import { isNativeError } from 'node:util/types'

/**
 * Jest runs tests in a realm of their own, where what Node itself throws (ECONNREFUSED) is no `instanceof Error`,
 * and graphql-js takes it for a value that somebody threw. Call this where a test breaks connections.
 */
export function takeNativeErrorsForErrors(): void {
  const ordinary = Function.prototype[Symbol.hasInstance]
  Object.defineProperty(Error, Symbol.hasInstance, {
    configurable: true,
    value(this: unknown, value: unknown) {
      return this === Error ? isNativeError(value) : ordinary.call(this as never, value)
    },
  })
}
