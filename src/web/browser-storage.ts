/** What this browser keeps for the pages; null where there is nothing, or where it may keep nothing. */
export function kept(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    // Whoever blocks cookies blocks this too: reading it fails.
    return null
  }
}

/** Whether the browser refuses to keep anything for this site, cookies too: some say that only of `localStorage`. */
export function isStorageBlocked(): boolean {
  try {
    return localStorage.length < 0 || !navigator.cookieEnabled
  } catch {
    return true
  }
}

/** Keeps it if the browser may. */
export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {}
}
