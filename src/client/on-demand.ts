import { NetworkError } from './errors.ts'

/**
 * Loads a part of this package when it is first used, so that pages download it only if they need it.
 * @throws NetworkError if it cannot be loaded, for example because a new version of the page replaced its files
 */
export function onDemand<Part>(load: () => Promise<Part>): () => Promise<Part> {
  let part: Promise<Part> | undefined
  return () => {
    part ??= load().catch((cause: unknown) => {
      part = undefined
      throw new NetworkError('A part of this page could not be loaded. Reload the page, then try again.', {
        cause,
      })
    })
    return part
  }
}

/** An object of asynchronous methods that are loaded when the first of them is called. */
export function onFirstCall<Methods extends object>(load: () => Promise<Methods>): Methods {
  const loaded = onDemand(load)
  return new Proxy({} as Methods, {
    get: (_, name) => {
      // An object with a `then` would be taken for a promise.
      if (name === 'then') return undefined
      return async (...args: never[]) => {
        const method = (await loaded())[name as keyof Methods] as (...given: never[]) => unknown
        return method(...args)
      }
    },
  })
}
