import { readStored, writeStored } from './browser-storage.ts'

const KEY = 'authograph.return'
/** As long as the link to set a new password is valid. */
const VALID_MS = 30 * 60_000

/** Remembers the `return_to` of `search` for the link in an email, which opens in a tab of its own. */
export function rememberReturn(search: string): void {
  if (new URLSearchParams(search).has('return_to'))
    writeStored(KEY, JSON.stringify({ search, at: Date.now() }))
}

/** The query with the `return_to` that was remembered; empty if there is none. The server's origins still decide. */
export function rememberedReturn(): string {
  try {
    const { search, at } = JSON.parse(readStored(KEY) ?? '{}') as { search?: string; at?: number }
    return search && at && Date.now() - at < VALID_MS ? search : ''
  } catch {
    return ''
  }
}

export function forgetReturn(): void {
  if (readStored(KEY)) writeStored(KEY, '')
}
