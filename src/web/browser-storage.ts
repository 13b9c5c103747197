/** A value that the pages stored in this browser; null if there is none or the browser blocks storage. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    // A browser that blocks cookies also blocks this: reading it throws.
    return null
  }
}

/** Whether the browser blocks storage for this site, including cookies; some browsers block only `localStorage`. */
export function isStorageBlocked(): boolean {
  try {
    return localStorage.length < 0 || !navigator.cookieEnabled
  } catch {
    return true
  }
}

/** Stores a value unless the browser blocks storage. */
export function writeStored(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {}
}
