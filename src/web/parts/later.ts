/** In browsers that don't tell when they are idle (Safari). */
const IDLE_AFTER_MS = 500

/**
 * Loads the parts of a page that no one sees before a click, once the browser has nothing else to do. A click before
 * that loads them as well. Returns a function that stops it.
 */
export function loadWhenIdle(): () => void {
  // The click loads them again if this fails, and shows the failure.
  const load = () => void Promise.allSettled([import('./modal.tsx'), import('./open-menu.tsx')])
  if (typeof requestIdleCallback === 'function') {
    const callback = requestIdleCallback(load)
    return () => cancelIdleCallback(callback)
  }
  const timer = setTimeout(load, IDLE_AFTER_MS)
  return () => clearTimeout(timer)
}
