import { readStored, writeStored } from './browser-storage.ts'

const KEY = 'authograph.known'

/** Whether a user was signed in during the last visit from this browser. A guess until the server answers. */
export function wasSignedInLastTime(): boolean {
  return readStored(KEY) === 'yes'
}

export function rememberSignedIn(signedIn: boolean): void {
  writeStored(KEY, signedIn ? 'yes' : 'no')
}
