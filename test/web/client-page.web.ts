import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, signUp } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { useBrowser } from '../support/browser.ts'
import { snippetOf, useClientPage } from '../support/client-page.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const app = await useClientPage()
const service = useService({ settings: { WEB: 'on', CORS_ORIGINS: app.origin, SANDBOX: 'off' } })
const browser = useBrowser()

/** Shows what the address asks for: the language, the color scheme and whether to use the styles. */
const MAIN = `
  import { createRoot } from 'react-dom/client'
  import { createAuthClient } from 'authograph-client'
  import { AuthProvider, SignIn, UserButton, english, korean } from 'authograph-client/react'
  import Quick from './quick'
  import styles from 'authograph-client/styles.css?inline'

  const query = new URLSearchParams(location.search)
  const style = document.createElement('style')
  style.textContent = (query.has('plain') ? '' : styles) + ':root { font-family: sans-serif; color-scheme: light dark; background: Canvas; color: CanvasText }'
  document.head.append(style)
  const texts = query.get('lang') === 'ko' ? korean : english
  document.documentElement.lang = query.get('lang') ?? 'en'
  const client = createAuthClient({ url: 'AUTH/graphql' })
  createRoot(document.getElementById('root')).render(
    query.has('quick') ? <><h1>Quick</h1><Quick /></> :
    <AuthProvider client={client}><h1>App</h1><UserButton texts={texts} /><SignIn texts={texts} /><a href="#next">Next</a></AuthProvider>
  )`

beforeAll(async () => {
  const quick = await snippetOf('src/client/README.md', 'tsx')
  await app.serve({
    'main.tsx': MAIN.replace('AUTH', service.url),
    'quick.tsx': quick.replace('http://localhost:4000', service.url),
  })
}, 60_000)

const fill = async (page: Page, name: string, password: string) => {
  await page.getByLabel('Email address or username').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('the first snippet of the README signs in by the server’s page, without a form, and out again', async () => {
  const { email } = await signUp(service, { displayName: 'Ada' })
  const page = await browser.open()
  await page.goto(`${app.origin}/?quick`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.waitForURL(`${service.url}/sign-in?return_to=${encodeURIComponent(`${app.origin}/?quick`)}`)
  await signInOn(page, email, PASSWORD)
  await page.waitForURL(`${app.origin}/?quick`)
  await page.getByRole('button', { name: 'Account of Ada' }).click()
  expect(await page.getByRole('link', { name: 'Manage account' }).getAttribute('href')).toBe(
    `${service.url}/account`,
  )
  await page.reload()
  await page.getByRole('button', { name: 'Account of Ada' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign in' }).waitFor()
})

describe('<SignIn />', () => {
  test('keeps the name after a wrong password, says so, and selects the password', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await fill(page, email, 'a wrong password')
    await page.getByRole('alert').getByText('Wrong email, username or password.').waitFor()
    expect(await page.getByLabel('Email address or username').inputValue()).toBe(email)
    expect(await page.getByLabel('Password').getAttribute('aria-invalid')).toBe('true')
    expect(await page.evaluate('document.activeElement.name')).toBe('password')
    expect(await page.evaluate('getSelection().toString().length')).toBeGreaterThan(0)
    expect(await violations(page)).toEqual([])
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Account of Ada' }).waitFor()
    expect(await page.getByLabel('Password').count()).toBe(0)
  })

  test('can be used by keyboard alone, and a session without “Stay signed in” ends with the browser', async () => {
    const { email } = await signUp(service)
    const page = await browser.open()
    await page.goto(app.origin)
    await page.getByLabel('Email address or username').focus()
    await page.keyboard.type(email)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.locator('.authograph-user').waitFor()
    const cookies = await page.context().cookies(service.url)
    expect(cookies.find(({ name }) => name === 'authograph_refresh')).toMatchObject({ expires: -1 })
  })

  test('says that the server cannot be reached, and signs in when it can', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await page.getByLabel('Password').waitFor()
    await page.context().setOffline(true)
    await fill(page, email, PASSWORD)
    await page.getByRole('alert').getByText('The server can’t be reached.').waitFor()
    browser.forgive()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Account of Ada' }).waitFor()
  })
})

describe('<UserButton />', () => {
  test('opens and closes by keyboard, by clicks outside and when the focus leaves', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await fill(page, email, PASSWORD)
    const button = page.getByRole('button', { name: 'Account of Ada' })
    const panel = page.locator('.authograph-panel')
    await button.focus()
    await page.keyboard.press('Enter')
    await panel.getByText(email).waitFor()
    expect(await button.getAttribute('aria-expanded')).toBe('true')
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/client-user-button.png' })
    expect((await panel.boundingBox())?.x).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'hidden' })
    await page.evaluate('document.body.style.direction = "rtl"')
    await page.keyboard.press('Enter')
    const { x = 0, width = 0 } = (await panel.boundingBox()) ?? {}
    expect(x + width).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0)
    await page.keyboard.press('Escape')
    expect(await button.evaluate(element => element === element.ownerDocument.activeElement)).toBe(true)
    await button.click()
    await panel.waitFor()
    await page.getByRole('heading').click()
    await panel.waitFor({ state: 'hidden' })
    await button.click()
    await panel.waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await panel.waitFor({ state: 'hidden' })
  })

  test('says when a sign-out did not reach the server, and tries again', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await fill(page, email, PASSWORD)
    await page.getByRole('button', { name: 'Account of Ada' }).click()
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('alert').getByText('this device is still signed in').waitFor()
    browser.forgive()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('this device is still signed in').waitFor({ state: 'hidden' })
    await page.reload()
    await page.getByLabel('Password').waitFor()
  })
})

test.each([
  ['', 'en', 'light'],
  ['', 'ko', 'dark'],
  ['&plain', 'ko', 'light'],
] as const)('the components are accessible on a phone: %s %s %s', async (style, lang, colorScheme) => {
  const page = await browser.open({ colorScheme, viewport: { width: 320, height: 640 } })
  await page.goto(`${app.origin}/?lang=${lang}${style}`)
  await page.getByLabel(lang === 'ko' ? '비밀번호' : 'Password').waitFor()
  expect(await violations(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
  const name = `client-sign-in-${lang}-${colorScheme}${style.replace('&', '-')}`
  await page.screenshot({ path: `test/web/screenshots/${name}.png` })
})
