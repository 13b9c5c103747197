import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
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
/** Less than a test may take, so that it is the step that says what was waited for. */
const STEP_TIMEOUT_MS = 10_000

export type Browsing = {
  /** A tab of a browser that knows nothing yet, unless `beside` is given: then of that tab's browser. */
  open(options?: BrowserContextOptions & { beside?: Page }): Promise<Page>
  /** For a test that breaks something on purpose: forgets what the pages have complained about. */
  forgive(): void
}

/**
 * A real browser for the tests of a file. A test in which a page logs an error, throws one or breaks its
 * content security policy fails.
 */
export function useBrowser(): Browsing {
  let browser: Browser | undefined
  const complaints: string[] = []
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: installedBrowser(), args: ARGUMENTS })
  })
  afterEach(async () => {
    const heard = complaints.splice(0)
    await Promise.all(browser?.contexts().map(context => context.close()) ?? [])
    expect(heard).toEqual([])
  })
  afterAll(() => browser?.close())
  return {
    open: async ({ beside, ...options } = {}) => {
      if (!browser) throw new Error('The browser is not started yet.')
      const context = beside?.context() ?? (await browser.newContext({ locale: 'en-GB', ...options }))
      const page = await context.newPage()
      page.setDefaultTimeout(STEP_TIMEOUT_MS)
      page.on('console', message => {
        if (message.type() === 'error') complaints.push(`${message.text()} (${page.url()})`)
      })
      page.on('pageerror', error => complaints.push(String(error)))
      return page
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
