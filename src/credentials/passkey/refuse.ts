/** Pages of other sites may show ours in a frame: a ceremony there is not what the person sees. */
export function refuseFrame({
  crossOrigin,
  topOrigin,
}: {
  crossOrigin?: boolean | undefined
  topOrigin?: string | undefined
}): void {
  if (crossOrigin || topOrigin) throw new Error('The ceremony ran in a frame of another origin')
}

/** Verifying throws for whatever a client got wrong or forged. All of it is one answer. */
export async function unlessRefused<Result>(verify: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await verify()
  } catch {
    return undefined
  }
}
