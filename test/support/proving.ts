import type { Service } from './service.ts'

/**
 * Runs `run`, and `meanwhile` in the middle of it: after each check of a password and before anything is
 * made of its result. What happens there is what a race would bring.
 */
export async function whileProving<Result>(
  { app: { hasher } }: Service,
  meanwhile: () => unknown,
  run: () => Promise<Result>,
): Promise<Result> {
  const verify = hasher.verify.bind(hasher)
  hasher.verify = async (...args) => {
    const proved = await verify(...args)
    await meanwhile()
    return proved
  }
  try {
    return await run()
  } finally {
    hasher.verify = verify
  }
}

/** To wait at until `count` have come. */
export function meetingOf(count: number): () => Promise<void> {
  let here = 0
  let open = () => {}
  const met = new Promise<void>(resolve => {
    open = resolve
  })
  return () => {
    here += 1
    if (here === count) open()
    return met
  }
}
