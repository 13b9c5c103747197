import type { Context, RequestInfo } from './context.ts'

/**
 * A value of your own for each request, such as a data loader. `create` runs when a resolver first asks for the value;
 * every other resolver of the same request gets the same one.
 *
 * @example
 *   const notesOf = perRequest(({ app }) => new DataLoader((ids: readonly string[]) => loadNotes(app, ids)))
 *   // In a resolver:
 *   return notesOf(context).load(user.id)
 */
export function perRequest<Value>(create: (context: Context) => Value): (context: Context) => Value {
  // Keyed by the request, because Apollo Server copies the context.
  const values = new WeakMap<RequestInfo, { value: Value }>()
  return context => {
    const known = values.get(context.request)
    if (known) return known.value
    const value = create(context)
    values.set(context.request, { value })
    return value
  }
}
