const KEY = 'authograph.known'

/** Whether somebody was signed in when these pages were last open in this browser: a guess until the server says. */
export function wasSignedIn(): boolean {
  return localStorage.getItem(KEY) === 'yes'
}

export function rememberSignedIn(signedIn: boolean): void {
  if (signedIn) localStorage.setItem(KEY, 'yes')
  else localStorage.removeItem(KEY)
}
