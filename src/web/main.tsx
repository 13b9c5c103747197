import './styles.ts'
import { flushSync } from 'react-dom'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { warn } from '../client/warn.ts'
import { Users } from './app.tsx'
import { client } from './client.ts'
import { firstLanguage } from './language.tsx'
import { Root } from './root.tsx'

/** A list that takes longer is waited for in the page, which then shows that it loads. */
const LIST_WAIT_MS = 500
/** A tab in the background paints nothing. */
const PAINT_WAIT_MS = 100

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')

if (globalThis.authographEarlyPeople) void startAfter(globalThis.authographEarlyPeople, root)
else start(root)

function start(root: HTMLElement): void {
  const { dataset, lang } = document.documentElement
  // What the server rendered comes to life if it is what this visitor would see. Otherwise it is replaced.
  const isRendered = root.childElementCount > 0 && dataset.rendered === undefined
  if (isRendered && lang === firstLanguage() && history.state === null) {
    hydrateRoot(root, <Root />, {
      // React then renders the page anew, which loses only what was typed before.
      onRecoverableError: error => warn(String(error)),
    })
  } else replace(root)
}

function replace(root: HTMLElement): void {
  // Its forms are about to go.
  globalThis.authographAsleep = undefined
  createRoot(root).render(<Root />)
  delete document.documentElement.dataset.rendered
}

async function startAfter(early: Promise<boolean>, root: HTMLElement): Promise<void> {
  const isShown = await Promise.race([early, after(LIST_WAIT_MS)])
  if (isShown) await replaceEarlyPeople(root)
  else start(root)
}

/**
 * Replaces the list of early/people.tsx by the same list, in one step: both have the same answers. If they cannot be had
 * here, the page starts anew.
 */
async function replaceEarlyPeople(root: HTMLElement): Promise<void> {
  try {
    // What follows takes a slow phone long: the list is painted before.
    await Promise.race([new Promise(requestAnimationFrame).then(() => after(0)), after(PAINT_WAIT_MS)])
    const [{ preparePeople }] = await Promise.all([
      import('./admin/users.tsx'),
      Users.preload(),
      client.restore(),
    ])
    await preparePeople(client)
  } catch {
    // The page says why.
  }
  const focused = root.contains(document.activeElement) && document.activeElement?.getAttribute('href')
  flushSync(() => replace(root))
  if (focused)
    root.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true })
}

function after(ms: number): Promise<false> {
  return new Promise(resolve => setTimeout(resolve, ms, false))
}
