import type { InitializeHook, LoadHook } from 'node:module'

/**
 * The calls that are on the way of a request. The others decide at the start, or belong to emails and deliveries. `count`
 * is how many there are, so that the bench fails if the code changes.
 */
const CALLS = [{ module: /\/dist\/graphql\/apollo\.js$/, call: /tracing\?\.operation\([^;]*\);/g, count: 1 }]
let without = false

export const initialize: InitializeHook<{ without: boolean }> = data => {
  without = data.without
}

export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context)
  const found = CALLS.find(({ module }) => module.test(url))
  if (!found) return loaded
  const source = String(loaded.source)
  if (source.match(found.call)?.length !== found.count)
    throw new Error(`The calls of tracing have changed: ${url}`)
  return without ? { ...loaded, source: source.replaceAll(found.call, '') } : loaded
}
