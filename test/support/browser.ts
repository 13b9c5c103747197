import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, jest } from '@jest/globals'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Where distributions put it. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const launchOptions = () => ({ executablePath: installedBrowser(), args: ARGUMENTS })
/** Chromium's own settings; 2 stands for "block". */
const BLOCK_COOKIES = { profile: { default_content_setting_values: { cookies: 2 } } }
/** Long enough for a machine that is busy with other things. */
const TEST_TIMEOUT_MS = 120_000
/** Less than a test may take, so that it is the step that says what was waited for. */
const STEP_TIMEOUT_MS = 30_000

export type Browsing = {
  /** A tab of a browser that knows nothing yet, unless `beside` is given: then of that tab's browser. */
  open(options?: BrowserContextOptions & { beside?: Page }): Promise<Page>
  /** A tab of a browser whose user has blocked cookies and all else that sites store. */
  openWithoutCookies(): Promise<Page>
  /** For a test that breaks something on purpose: forgets what the pages have complained about. */
  forgive(): void
}

/**
 * A real browser for the tests of a file. A test in which a page logs an error, throws one or breaks its
 * content security policy fails.
 */
export function useBrowser(): Browsing {
  jest.setTimeout(TEST_TIMEOUT_MS)
  let browser: Browser | undefined
  const complaints: string[] = []
  const others: (() => Promise<void>)[] = []
  const listen = (page: Page) => {
    page.setDefaultTimeout(STEP_TIMEOUT_MS)
    page.on('console', message => {
      if (message.type() === 'error') complaints.push(`${message.text()} (${page.url()})`)
    })
    page.on('pageerror', error => complaints.push(String(error)))
    return page
  }
  beforeAll(async () => {
    browser = await chromium.launch(launchOptions())
  })
  afterEach(async () => {
    const heard = complaints.splice(0)
    await Promise.all(browser?.contexts().map(context => context.close()) ?? [])
    await Promise.all(others.splice(0).map(close => close()))
    expect(heard).toEqual([])
  })
  afterAll(() => browser?.close())
  return {
    open: async ({ beside, ...options } = {}) => {
      if (!browser) throw new Error('The browser is not started yet.')
      const context = beside?.context() ?? (await browser.newContext({ locale: 'en-GB', ...options }))
      return listen(await context.newPage())
    },
    openWithoutCookies: async () => {
      const profile = await mkdtemp(path.join(tmpdir(), 'authograph-browser-'))
      await mkdir(path.join(profile, 'Default'))
      await writeFile(path.join(profile, 'Default', 'Preferences'), JSON.stringify(BLOCK_COOKIES))
      const context = await chromium.launchPersistentContext(profile, { ...launchOptions(), locale: 'en-GB' })
      others.push(async () => {
        await context.close()
        await rm(profile, { recursive: true })
      })
      return listen(await context.newPage())
    },
    forgive: () => void complaints.splice(0),
  }
}

function installedBrowser(): string {
  const given = process.env.CHROME_PATH
  const found = given ?? PLACES.find(existsSync)
  if (found && existsSync(found)) return found
  throw new Error(
    given
      ? `There is no browser at CHROME_PATH=${given}.`
      : 'There is no Chromium in the usual places. Install one (apt-get install chromium), or set CHROME_PATH.',
  )
}

/**
 * Waits until an expression is true in a page. Playwright's `waitForFunction` polls with `eval`, which the content
 * security policy of the pages forbids.
 */
export async function until(page: Page, expression: string): Promise<void> {
  const deadline = Date.now() + STEP_TIMEOUT_MS
  // Fails while the page is on its way to another.
  while (!(await page.evaluate(expression).catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`In vain was waited for: ${expression}`)
    await sleep(50)
  }
}

/** Holds back the files of a page that match, until the returned function is called. */
export async function holdBack(page: Page, files: string | RegExp): Promise<() => void> {
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  await page.route(files, async route => {
    await released
    await route.continue()
  })
  return release
}
