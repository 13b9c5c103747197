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
