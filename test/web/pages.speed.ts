import { expect, test } from '@jest/globals'
import type { BrowserContextOptions, Page, Response } from 'playwright-core'
import { PASSWORD, signUp, signUpAdmin } from '../support/actors.ts'
import { holdBack, until, useBrowser } from '../support/browser.ts'
import { freePort } from '../support/clusters.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const port = String(await freePort())
// Pages at the address in PUBLIC_URL bind their sessions to a key, as in production: a refresh costs one round trip more.
const service = useService({ settings: { WEB: 'on', PORT: port, PUBLIC_URL: `http://localhost:${port}` } })
const browser = useBrowser()

const SCRIPT_MAX_BYTES = 150_000
/** Of a phone of the lower middle, compared with the machine of the test. */
const SLOWER = 4
const FIRST_PAINT_MAX_MS = 1000

test('the scripts of the sign-in page have less than 150 kB, as a browser receives them', async () => {
  const page = await browser.open()
  const scripts: Response[] = []
  page.on('response', response => {
    if (response.request().resourceType() === 'script') scripts.push(response)
  })
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  const sizes = await Promise.all(
    scripts.map(async script => (await script.request().sizes()).responseBodySize),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  process.stdout.write(`scripts of the sign-in page: ${total} bytes (${sizes.join(', ')})\n`)
  expect(scripts.length).toBeGreaterThan(1)
  expect(total).toBeLessThan(SCRIPT_MAX_BYTES)
})

/** Without HTTP/2, browsers load this number of files of one server at a time. */
const AT_A_TIME = 6

test('the list of people needs few files, so that its own requests do not wait for them', async () => {
  const headers = { 'accept-encoding': 'br' }
  const html = await (await fetch(`${service.url}/users`)).text()
  const files = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, file = '']) => file)
  const sizes = await Promise.all(
    files.map(async file => {
      const response = await fetch(service.url + file, { headers })
      await response.arrayBuffer()
      return Number(response.headers.get('content-length'))
    }),
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  process.stdout.write(`files of the list of people: ${total} bytes (${sizes.join(', ')})\n`)
  expect(sizes.length).toBeGreaterThan(4)
  // The rest are start.js and the script that shows its list, which go first, and a style sheet.
  expect(sizes.filter(size => size > 1000).length).toBeLessThanOrEqual(AT_A_TIME + 3)
  expect(total).toBeLessThan(175_000)
})

const PAINT = "performance.getEntriesByName('first-contentful-paint')[0]"

/** What a visit of the sign-in page takes until its form is there, on a processor slowed by this factor. */
async function visit(slower: number): Promise<{ paintedMs: number; workedMs: number }> {
  const page = await browser.open()
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower })
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await until(page, PAINT)
  const { metrics } = await devtools.send('Performance.getMetrics')
  const workedSeconds = metrics.find(({ name }) => name === 'ThreadTime')?.value ?? Number.NaN
  return { paintedMs: Number(await page.evaluate(`${PAINT}.startTime`)), workedMs: workedSeconds * 1000 }
}

test('the sign-in page paints its form within a second of work of a processor that is four times slower', async () => {
  const { workedMs } = await visit(1)
  const { paintedMs } = await visit(SLOWER)
  process.stdout.write(
    `the sign-in page: ${Math.round(workedMs)} ms of work; first contentful paint ${Math.round(paintedMs)} ms on a processor ${SLOWER} times slower\n`,
  )
  // Not what the clock says, which runs for the others on this machine too.
  expect(workedMs * SLOWER).toBeLessThan(FIRST_PAINT_MAX_MS)
})

test('who was signed in gets the list of people by one refresh and one query, both before the script has arrived', async () => {
  const admin = await signUpAdmin(service)
  const page = await browser.open()
  await page.goto(`${service.url}/account`)
  await signInOn(page, admin.email, PASSWORD)
  await page.getByRole('button', { name: 'Account menu' }).waitFor()
  await page.waitForLoadState('networkidle')
  const asked: string[] = []
  // The script arrives after both are answered, as on a slow network.
  let listed = () => {}
  const untilListed = new Promise<void>(resolve => {
    listed = resolve
  })
  await page.route('**/graphql', async route => {
    const operation = /(?:query|mutation) (\w+)/.exec(route.request().postData() ?? '')?.[1] ?? ''
    asked.push(operation)
    await route.continue()
  })
  page.on('response', response => {
    if (response.request().postData()?.includes('query UserList')) listed()
  })
  await page.route('**/assets/*.js', async route => {
    await untilListed
    await route.continue()
  })
  await page.goto(`${service.url}/users`)
  await page.locator('tbody tr').first().waitFor()
  // Without a name, it asks for the nonce of the proof.
  expect(asked.slice(0, 3)).toEqual(['', 'Refresh', 'UserList'])
  expect(asked.filter(operation => operation === 'Refresh' || operation === 'UserList')).toHaveLength(2)
})

/** A slow phone on a slow network, as Lighthouse simulates it. */
const SLOW_PHONE = { latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 }
const OBSERVED = `
  globalThis.shifted = 0
  new PerformanceObserver(list => { globalThis.paintedMs = list.getEntries().at(-1).startTime })
    .observe({ type: 'largest-contentful-paint', buffered: true })
  new PerformanceObserver(list => { for (const { value } of list.getEntries()) globalThis.shifted += value })
    .observe({ type: 'layout-shift', buffered: true })`
const SIGN_IN_PAINT_MAX_MS = 1500
const PEOPLE_PAINT_MAX_MS = 2000
const SHIFT_MAX = 0.02
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/**
 * When the largest content of a page was painted on a slow phone, and how far the layout shifted, in a tab with an empty
 * cache: the best of some visits, as other programs run too. The shift is the worst of them.
 */
async function slowVisits(visits: number, path: string, beside: () => Promise<Page | undefined>) {
  const times: number[] = []
  let shift = 0
  for (let visit = 0; visit < visits; visit++) {
    const before = await beside()
    const page = await browser.open({ ...PHONE, ...(before && { beside: before }) })
    await page.addInitScript(OBSERVED)
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Network.enable')
    await devtools.send('Network.setCacheDisabled', { cacheDisabled: true })
    await devtools.send('Network.emulateNetworkConditions', { offline: false, ...SLOW_PHONE })
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER })
    await page.goto(service.url + path)
    await page.waitForLoadState('networkidle')
    await until(page, 'globalThis.paintedMs !== undefined')
    times.push(Number(await page.evaluate('paintedMs')))
    shift = Math.max(shift, Number(await page.evaluate('shifted')))
    await page.context().close()
  }
  return { paintedMs: Math.min(...times), times, shift }
}

test('the largest content of the sign-in page is painted within 1.5 s on a slow phone', async () => {
  const { paintedMs } = await slowVisits(5, '/sign-in', async () => undefined)
  process.stdout.write(`the sign-in page on a slow phone: largest paint ${Math.round(paintedMs)} ms\n`)
  expect(paintedMs).toBeLessThan(SIGN_IN_PAINT_MAX_MS)
})

test('the largest content of the list of people is painted within 2 s on a slow phone, and nothing moves after it', async () => {
  const admin = await signUpAdmin(service)
  for (let person = 0; person < 19; person++) await signUp(service, { displayName: `Person ${person}` })
  const signedIn = async () => {
    const page = await browser.open(PHONE)
    await page.goto(`${service.url}/account`)
    await signInOn(page, admin.email, PASSWORD)
    await page.getByRole('button', { name: 'Account menu' }).waitFor()
    await page.waitForLoadState('networkidle')
    return page
  }
  const { paintedMs, times, shift } = await slowVisits(5, '/users', signedIn)
  process.stdout.write(
    `the list of people on a slow phone: largest paint ${times.map(Math.round).join(', ')} ms; shift ${shift.toFixed(4)}\n`,
  )
  expect(paintedMs).toBeLessThan(PEOPLE_PAINT_MAX_MS)
  expect(shift).toBeLessThan(SHIFT_MAX)
})

/** A tab in which the scripts of the pages wait until `arrive` is called. */
async function withoutScripts(path: string, options: BrowserContextOptions = {}) {
  const page = await browser.open(options)
  const arrive = await holdBack(page, '**/assets/*.js')
  const warnings: string[] = []
  page.on('console', message => warnings.push(message.text()))
  await page.goto(service.url + path, { waitUntil: 'commit' })
  return { page, arrive, warnings }
}

test.each([
  ['/sign-in', 'en-GB', 'Sign in to Authograph', 'Email address or username'],
  ['/sign-in', 'ko-KR', 'Authograph에 로그인', '이메일 주소 또는 사용자 이름'],
  ['/register', 'en-GB', 'Create your account', 'Email address'],
  ['/forgot-password', 'ko-KR', '비밀번호 찾기', '이메일 주소'],
])('%s in %s is there before its script, and what was typed stays', async (path, locale, title, label) => {
  const { page, arrive, warnings } = await withoutScripts(path, { locale })
  await page.getByRole('heading', { name: title }).waitFor()
  await page.screenshot({ path: `test/web/screenshots/before-script${path.replace('/', '-')}-${locale}.png` })
  await page.getByLabel(label).fill('ada@example.com')
  // Kept by an element that comes to life, but not by one that replaces it.
  await page.evaluate("document.querySelector('main form').dataset.before = 'script'")
  arrive()
  await page.getByRole('combobox').first().waitFor()
  expect(await page.getByLabel(label).inputValue()).toBe('ada@example.com')
  expect(await page.evaluate("document.querySelector('main form').dataset.before")).toBe('script')
  expect(warnings).toEqual([])
})

test('a form that is sent before the script has arrived is sent by the script, and nothing gets into the address', async () => {
  const { email } = await signUpAdmin(service)
  const { page, arrive } = await withoutScripts('/sign-in')
  await page.getByLabel('Email address or username').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('Password', { exact: true }).press('Enter')
  expect(page.url()).toBe(`${service.url}/sign-in`)
  arrive()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('links keep return_to, although the server rendered them without it', async () => {
  const back = `?return_to=${encodeURIComponent(`${service.url}/inbox`)}`
  const { page, arrive } = await withoutScripts(`/sign-in${back}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  arrive()
  await page.getByRole('combobox').first().waitFor()
  expect(await page.getByRole('link', { name: 'Register' }).getAttribute('href')).toContain('return_to=')
})

test('a visitor who chose another language, or was signed in, sees nothing of what the server rendered', async () => {
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('combobox', { name: 'Language' }).selectOption('ko')
  await page.getByRole('heading', { name: 'Authograph에 로그인' }).waitFor()
  await page.route('**/assets/*.js', () => {})
  await page.goto(`${service.url}/sign-in`, { waitUntil: 'commit' })
  await page.locator('#root form').first().waitFor({ state: 'attached' })
  await until(page, "getComputedStyle(document.querySelector('h1')).visibility === 'hidden'")
})
