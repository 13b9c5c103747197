import { describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { type Service, useService } from '../support/service.ts'
import { linkOf, tokenOf } from '../support/smtp.ts'
import { signInOn } from '../support/web.ts'

const ELSEWHERE = 'http://app.example.com'
const service = useService({
  settings: { WEB: 'on', EMAIL_VERIFICATION: 'required', RETURN_ORIGINS: ELSEWHERE, SANDBOX: 'off' },
})
const browser = useBrowser()
const NEW_PASSWORD = 'eighteen copper whistles'

/** Opens the link of the newest mail to the address, on this service: links lead to PUBLIC_URL. */
async function openMail(page: Page, { url, mailsTo }: Service, address: string): Promise<URL> {
  const mail = (await mailsTo(address)).at(-1)
  if (!mail) throw new Error(`no mail to ${address}`)
  const link = linkOf(mail)
  await page.goto(url + link.pathname + link.hash)
  return link
}

test('a person registers, confirms the address by the email, signs in and sees the account page', async () => {
  const page = await browser.open()
  await page.goto(service.url)
  await page.getByRole('link', { name: 'Register' }).click()
  await page.getByLabel('Name').fill('Ada Lovelace')
  await page.getByLabel('Email address').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByText('Password strength: Strong').waitFor()
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('heading', { name: 'Check your email' }).waitFor()

  await openMail(page, service, 'ada@example.com')
  await page.getByRole('button', { name: 'Confirm address' }).click()
  await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
  await page.getByRole('link', { name: 'Go to sign-in' }).click()
  await signInOn(page, 'ada@example.com', PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Ada Lovelace')
  await page.waitForURL(`${service.url}/account`)
})

test('an address that is not confirmed gets its mail again from the sign-in page', async () => {
  const page = await browser.open()
  await page.goto(`${service.url}/register`)
  await page.getByLabel('Email address').fill('late@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('link', { name: 'Go to sign-in' }).click()
  await signInOn(page, 'late@example.com', PASSWORD)
  await page.getByRole('alert').getByText('Verify your email address first').waitFor()
  await page.screenshot({ path: 'test/web/screenshots/sign-in-unverified.png' })
  await page.getByRole('button', { name: 'Resend email' }).click()
  await page.getByText('Sent again.').waitFor()
  expect(await service.mailsTo('late@example.com')).toHaveLength(2)
})

test('the link in the email sets a new password, signs in and works once', async () => {
  const { email } = await verified()
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('link', { name: 'Forgot password?' }).click()
  await page.getByLabel('Email address').fill(email)
  await page.getByRole('button', { name: 'Send link' }).click()
  await page.getByRole('heading', { name: 'Check your email' }).waitFor()

  const link = await openMail(page, service, email)
  await page.getByLabel('New password').fill('password')
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByText('appears in a data breach').waitFor()
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'My account' }).waitFor()

  const late = await browser.open()
  await late.goto(service.url + link.pathname + link.hash)
  await late.getByRole('heading', { name: 'This link is no longer valid' }).waitFor()
})

test('the token of a link is in no request but the one that spends it, and a link of an earlier version still works', async () => {
  const { email } = await verified()
  const page = await browser.open()
  const requested: string[] = []
  page.on('request', request => void requested.push(`${request.url()} ${JSON.stringify(request.headers())}`))
  for (const form of ['#', '?']) {
    await service.send('mutation ($e: String!) { requestPasswordReset(input: { email: $e }) }', { e: email })
    const token = tokenOf((await service.mailsTo(email)).at(-1)!)
    requested.length = 0
    await page.goto(`${service.url}/reset-password${form}token=${token}`)
    await page.getByLabel('New password').fill(`${NEW_PASSWORD} ${form}`)
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    if (form === '#') expect(requested.filter(line => line.includes(token))).toEqual([])
  }
})

test('a link that is opened in the tab of an older one takes its place', async () => {
  const { email } = await verified()
  const page = await browser.open()
  await page.goto(`${service.url}/reset-password#token=${'x'.repeat(43)}`)
  await page.getByRole('heading', { name: 'This link is no longer valid' }).waitFor()
  await service.send('mutation ($e: String!) { requestPasswordReset(input: { email: $e }) }', { e: email })
  await openMail(page, service, email)
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('a token leaves the address bar before anybody can see or share it, and opening its page spends nothing', async () => {
  const { email } = await verified()
  await service.send('mutation ($e: String!) { requestPasswordReset(input: { email: $e }) }', { e: email })
  const page = await browser.open()
  const link = await openMail(page, service, email)
  await page.getByRole('heading', { name: 'Set a new password' }).waitFor()
  await page.waitForURL(`${service.url}/reset-password`)
  await page.goto(service.url + link.pathname + link.hash)
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('a password is masked, can be shown, pasted and filled in by a password manager', async () => {
  const page = await browser.open({ permissions: ['clipboard-read', 'clipboard-write'] })
  await page.goto(`${service.url}/sign-in`)
  const field = page.getByLabel('Password', { exact: true })
  expect(await field.getAttribute('type')).toBe('password')
  expect(await field.getAttribute('autocomplete')).toBe('current-password')
  await page.evaluate("navigator.clipboard.writeText('seventeen brass engines')")
  await field.focus()
  await page.keyboard.press('Control+V')
  expect(await field.inputValue()).toBe('seventeen brass engines')
  await page.getByRole('button', { name: 'Show password' }).click()
  expect(await field.getAttribute('type')).toBe('text')
  await page.getByRole('button', { name: 'Hide password' }).click()
  expect(await field.getAttribute('type')).toBe('password')
})

test('signing in works by the keyboard alone, and the focus is always to be seen', async () => {
  const { email } = await verified()
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  const focused = () =>
    page.evaluate(`(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
      return { name: document.activeElement.name, outline: outlineStyle + ' ' + outlineWidth }
    })()`) as Promise<{ name?: string; outline: string }>
  const ring = { outline: 'solid 2px' }

  expect(await focused()).toEqual({ name: 'identifier', ...ring })
  await page.keyboard.press('Shift+Tab')
  expect(await focused()).toMatchObject(ring)
  await page.keyboard.press('Tab')
  await page.keyboard.type(email)
  await page.keyboard.press('Tab')
  await page.keyboard.type('wrong')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('Wrong email, username or password.').waitFor()
  expect((await focused()).name).toBe('password')
  await page.keyboard.press('Control+A')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('what was typed stays when something is wrong, and the first wrong field has the focus', async () => {
  const page = await browser.open()
  await page.goto(`${service.url}/register`)
  await page.getByLabel('Email address').fill('not an address')
  await page.getByLabel('Password', { exact: true }).fill('short')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByText('Enter a valid email address').waitFor()
  await page.getByText('Use at least 8 characters.').waitFor()
  const email = page.getByLabel('Email address')
  expect(await violations(page)).toEqual([])
  await page.screenshot({ path: 'test/web/screenshots/register-wrong.png' })
  expect(await email.inputValue()).toBe('not an address')
  expect(await email.getAttribute('aria-invalid')).toBe('true')
  expect(await page.evaluate('document.activeElement.name')).toBe('email')
})

test('the language is the browser’s, and the one that is chosen instead stays chosen', async () => {
  const page = await browser.open({ locale: 'ko-KR' })
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('heading', { name: 'Authograph에 로그인' }).waitFor()
  await until(page, "document.documentElement.lang === 'ko'")
  await page.getByLabel('언어').focus()
  await page.getByLabel('언어').selectOption('en')
  await page.getByRole('heading', { name: 'Sign in to Authograph' }).waitFor()
  await until(page, "document.title === 'Sign in · Authograph'")
  expect(await page.evaluate('document.activeElement.tagName')).toBe('SELECT')
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in to Authograph' }).waitFor()
  await until(page, "document.documentElement.lang === 'en'")
})

test('a server that cannot be reached is said to be so, and trying again works', async () => {
  const { email } = await verified()
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  // Answered in its place by a proxy; a broken connection would be an error in the console of its own.
  await page.route('**/graphql', route => route.fulfill({ status: 200, body: 'no JSON' }))
  await signInOn(page, email, PASSWORD)
  await page.getByRole('alert').getByText('The server can’t be reached.').waitFor()
  await page.unroute('**/graphql')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('a page that opens while the server cannot be reached says so, and goes on once it can', async () => {
  const { email } = await verified()
  const page = await browser.open()
  await page.route('**/graphql', route => route.fulfill({ status: 200, body: 'no JSON' }))
  await page.goto(`${service.url}/account`)
  await page.getByRole('heading', { name: 'The server isn’t responding' }).waitFor()
  expect(await page.getByText('The server can’t be reached').count()).toBe(1)
  await page.screenshot({ path: 'test/web/screenshots/no-answer.png' })
  await page.unroute('**/graphql')
  await signInOn(page, email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('a browser that blocks storage can still sign in, and the page says what it misses', async () => {
  const { email } = await verified()
  const page = await browser.openWithoutCookies()
  await page.goto(`${service.url}/sign-in`)
  await page.getByText('Your browser blocks cookies on this site').waitFor()
  await page.screenshot({ path: 'test/web/screenshots/no-cookies.png' })
  await page.getByLabel('Language').selectOption('ko')
  await page.getByLabel('언어').selectOption('en')
  await signInOn(page, email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

test('a browser without scripts shows a notice at the top, in the languages of the pages', async () => {
  const page = await browser.open({ javaScriptEnabled: false, viewport: { width: 390, height: 400 } })
  await page.goto(`${service.url}/sign-in`)
  for (const words of ['These pages need JavaScript', 'JavaScript가 필요합니다']) {
    const box = await page.locator('noscript p', { hasText: words }).boundingBox()
    expect(box && box.y + box.height).toBeLessThan(400)
  }
  await page.screenshot({ path: 'test/web/screenshots/no-script.png' })
})

describe('return_to', () => {
  test('leads back to a listed origin after sign-in', async () => {
    const { email } = await verified()
    const page = await browser.open()
    await page.route(`${ELSEWHERE}/**`, route =>
      route.fulfill({ contentType: 'text/html', body: 'welcome back' }),
    )
    await page.goto(`${service.url}/sign-in?return_to=${encodeURIComponent(`${ELSEWHERE}/inbox?tab=1`)}`)
    await signInOn(page, email, PASSWORD)
    await page.waitForURL(`${ELSEWHERE}/inbox?tab=1`)
  })

  test.each(['https://evil.example', 'javascript:alert(1)', '//evil.example', `${ELSEWHERE}@evil.example`])(
    'leads nowhere else: %s',
    async target => {
      const { email } = await verified()
      const page = await browser.open()
      await page.goto(`${service.url}/sign-in?return_to=${encodeURIComponent(target)}`)
      await page.getByText('This server can’t send you back to the page you came from').waitFor()
      await signInOn(page, email, PASSWORD)
      await page.waitForURL(`${service.url}/account`)
    },
  )
})

/** An account that may sign in. */
async function verified(): Promise<{ email: string }> {
  const email = newAddress()
  await service.send('mutation ($i: RegisterInput!) { register(input: $i) { __typename } }', {
    i: { email, password: PASSWORD },
  })
  const [mail] = await service.mailsTo(email)
  if (!mail) throw new Error(`no mail to ${email}`)
  await service.send('mutation ($t: String!) { verifyEmail(input: { token: $t }) { id } }', {
    t: tokenOf(mail),
  })
  return { email }
}
