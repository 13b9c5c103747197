/** Stands for an object that each test of a file has anew, so that the file can name it once. */
export function currentOf<Value extends object>(current: () => Value | undefined): Value {
  return new Proxy({} as Value, {
    get: (_, property) => {
      const value = current()
      if (!value) throw new Error('No test has begun yet.')
      const found: unknown = Reflect.get(value, property)
      return typeof found === 'function' ? found.bind(value) : found
    },
  })
}
