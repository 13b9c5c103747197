import { isNativeError } from 'node:util/types'

/**
 * Jest runs tests in a separate realm, where errors of Node itself (such as ECONNREFUSED) are not `instanceof Error`,
 * so graphql-js treats them as other thrown values. Call this in tests that break connections.
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
