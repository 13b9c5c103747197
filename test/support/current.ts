/** Stands for an object that each test of a file has anew, so that the file can name it once. */
export function currentOf<Value extends object>(current: () => Value | undefined): Value {
  const required = (): Value => {
    const value = current()
    if (!value) throw new Error('No test has begun yet.')
    return value
  }
  return new Proxy({} as Value, {
    get: (_, property) => {
      const value = required()
      const found: unknown = Reflect.get(value, property)
      return typeof found === 'function' ? found.bind(value) : found
    },
    set: (_, property, given) => Reflect.set(required(), property, given),
  })
}
