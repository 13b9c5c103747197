import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, type SignedIn, signUp, signUpAdmin } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { holdBack, until, useBrowser } from '../support/browser.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const links = {
  Terms: 'https://example.com/terms',
  Privacy: 'https://example.com/privacy',
  Support: 'https://help.example.com/',
}
const service = useService({
  settings: { WEB: 'on', TERMS_URL: links.Terms, PRIVACY_URL: links.Privacy, SUPPORT_URL: links.Support },
})
const browser = useBrowser()

async function signedInAt(path: string, { email }: SignedIn): Promise<Page> {
  const page = await browser.open()
  await page.goto(service.url + path)
  await signInOn(page, email, PASSWORD)
  await page.getByRole('button', { name: 'Account menu' }).waitFor()
  return page
}

const FOCUSED = 'document.activeElement.name'

test.each([
  ['/sign-in', 'identifier'],
  ['/register', 'displayName'],
  ['/forgot-password', 'email'],
])('%s starts in its first field', async (path, name) => {
  const page = await browser.open()
  await page.goto(service.url + path)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await until(page, `${FOCUSED} === '${name}'`)
})

test('a form that opens from another page starts in its first field, too', async () => {
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('link', { name: 'Register' }).click()
  await page.getByRole('heading', { name: 'Create your account' }).waitFor()
  await until(page, `${FOCUSED} === 'displayName'`)
})

test.each(['P@ssw0rd2026!!', 'Qwertyuiop123!', 'Lovelace1815'])(
  'the meter never calls a password fair that the server refuses: %s',
  async password => {
    const page = await browser.open()
    await page.goto(`${service.url}/register`)
    await page.getByLabel('Name (optional)').fill('Ada Lovelace')
    await page.getByLabel('Email address').fill('ada@example.com')
    const heard: string[] = []
    await page.exposeFunction('hear', (text: string) => heard.push(text))
    await page.evaluate(`new MutationObserver(() => hear(document.querySelector('[aria-live]').textContent))
      .observe(document.querySelector('[aria-live]'), { subtree: true, characterData: true, childList: true })`)
    await page.getByLabel('Password', { exact: true }).pressSequentially(password, { delay: 20 })
    await page.getByText(/easy to guess|data breach|Do not base/).waitFor()
    await page.screenshot({ path: 'test/web/screenshots/meter-refused.png' })
    expect(heard.filter(text => text.includes('Password strength'))).toEqual([])
    await page.getByRole('button', { name: 'Create account' }).click()
    await until(page, "document.activeElement.getAttribute('aria-invalid') === 'true'")
  },
)

test('the meter says that an accepted password is strong', async () => {
  const page = await browser.open()
  await page.goto(`${service.url}/register`)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByText('Password strength: Strong').waitFor()
  expect(await page.locator('.strength').getAttribute('data-level')).toBe('4')
})

test('the open account menu is right for screen readers', async () => {
  const page = await signedInAt('/account', await signUp(service))
  await page.getByRole('button', { name: 'Account menu' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
  await page.screenshot({ path: 'test/web/screenshots/account-menu.png' })
  expect(await violations(page)).toEqual([])
})

test('the account menu works by keyboard, although its script arrives with the first press', async () => {
  const page = await browser.open()
  const arrive = await holdBack(page, '**/assets/open-menu-*.js')
  await page.goto(`${service.url}/account`)
  await signInOn(page, (await signUp(service)).email, PASSWORD)
  await page.getByRole('button', { name: 'Account menu' }).press('Enter')
  arrive()
  const first = page.getByRole('menuitem', { name: 'My account' })
  await first.waitFor()
  await page.keyboard.press('ArrowDown')
  await until(page, "document.activeElement.getAttribute('role') === 'menuitem'")
  await page.keyboard.press('Escape')
  await first.waitFor({ state: 'hidden' })
  await until(page, "document.activeElement.getAttribute('aria-haspopup') === 'menu'")
  await page.keyboard.press('Enter')
  await first.waitFor()
})

test('a saved username is shown as the server keeps it', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  await page.getByLabel('Username').fill(' Ada.L ')
  await page.getByLabel('Name', { exact: true }).fill(' Ada Lovelace ')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  const { username, displayName } = await service.app.db.user.findUniqueOrThrow({ where: { id: account.id } })
  expect(await page.getByLabel('Username').inputValue()).toBe(username)
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe(displayName)
})

test('the notice that the account was deleted is gone after a reload', async () => {
  const page = await signedInAt('/account/data', await signUp(service))
  await page.getByRole('button', { name: 'Delete my account' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('Your account is deleted').waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in to Authograph' }).waitFor()
  await page.waitForLoadState('networkidle')
  expect(await page.getByText('Your account is deleted').count()).toBe(0)
})

test.each(['light', 'dark'] as const)('forced colors show that a box is ticked: %s', async colorScheme => {
  const page = await browser.open({ forcedColors: 'active', colorScheme })
  await page.goto(`${service.url}/sign-in`)
  const box = page.getByRole('checkbox')
  await box.waitFor()
  expect(await box.isChecked()).toBe(true)
  const [tick, ground] = await page.evaluate<[string, string]>(`[
    getComputedStyle(document.querySelector('.mantine-Checkbox-icon')).color,
    getComputedStyle(document.body).backgroundColor,
  ]`)
  expect(ground).toMatch(/^rgb\(/)
  expect(tick).not.toBe(ground)
  expect(tick).toBe(colorScheme === 'light' ? 'rgb(0, 0, 0)' : 'rgb(255, 255, 255)')
})

test('forced colors show which page is open', async () => {
  const page = await signedInAt('/account', await signUp(service))
  await page.emulateMedia({ forcedColors: 'active' })
  const backgroundOf = (link: string) =>
    page.evaluate(`getComputedStyle(document.querySelector('${link}')).backgroundColor`)
  const other = await backgroundOf('.sections-nav a[href="/account/devices"]')
  expect(other).toMatch(/^rgb/)
  expect(await backgroundOf('.sections-nav a[href="/account"]')).not.toBe(other)
  await page.screenshot({ path: 'test/web/screenshots/forced-colors.png' })
  expect(await violations(page)).toEqual([])
})

test('the list of people and the page of a person show times alike', async () => {
  const admin = await signUpAdmin(service)
  const page = await signedInAt('/users', admin)
  await page.getByRole('link', { name: admin.email }).waitFor()
  const times = async (scope: string) =>
    (await page.locator(`${scope} time`).allTextContents()).map(text => text.trim())
  const listed = await times(`tr:has-text("${admin.email}")`)
  expect(listed).toHaveLength(2)
  await page.getByRole('link', { name: admin.email }).click()
  await page.locator('dl time').first().waitFor()
  const detailed = await times('dl')
  for (const time of listed) expect(detailed).toContain(time)
})

test('pages link to the terms, the privacy policy and support, and registering says what one agrees to', async () => {
  const page = await browser.open()
  const shown = async () => {
    await page.getByRole('heading', { level: 1 }).waitFor()
    for (const [name, url] of Object.entries(links)) {
      expect(await page.getByRole('link', { name, exact: true }).getAttribute('href')).toBe(url)
    }
  }
  await page.goto(`${service.url}/sign-in`)
  await shown()
  await page.screenshot({ path: 'test/web/screenshots/own-pages-sign-in.png' })
  await page.goto(`${service.url}/register`)
  await shown()
  const agreement = page.getByText('By creating an account, you agree to the terms of service.')
  expect(await agreement.getByRole('link').getAttribute('href')).toBe(links.Terms)
  await page.screenshot({ path: 'test/web/screenshots/own-pages-register.png' })
  expect(await violations(page)).toEqual([])
  const inside = await signedInAt('/account', await signUp(service))
  expect(await inside.getByRole('link', { name: 'Support' }).getAttribute('href')).toBe(links.Support)
})
