import { keep, kept } from './browser-storage.ts'

const KEY = 'authograph.known'

/** Whether somebody was signed in when these pages were last open in this browser: a guess until the server says. */
export function wasSignedInLastTime(): boolean {
  return kept(KEY) === 'yes'
}

export function rememberSignedIn(signedIn: boolean): void {
  keep(KEY, signedIn ? 'yes' : 'no')
}
