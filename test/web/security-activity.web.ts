import { expect, test } from '@jest/globals'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { login, PASSWORD, type SignedIn, signIn, signUp } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { codes, useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on' } })
const browser = useBrowser()
const NEW_PASSWORD = 'eighteen copper whistles'
const FIREFOX = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}
const PHONE = { width: 375, height: 740 }

async function securityOf({ email }: SignedIn, options?: BrowserContextOptions): Promise<Page> {
  const page = await browser.open(options)
  await page.goto(`${service.url}/account/security`)
  await signInOn(page, email, PASSWORD)
  await page.locator('.rows > li').first().waitFor()
  return page
}

async function signInByThief({ email }: SignedIn): Promise<string> {
  const { data } = await service.send(
    'mutation ($i: LoginInput!) { login(input: $i) { ... on AuthPayload { accessToken } } }',
    { i: { identifier: email, password: PASSWORD } },
    { headers: FIREFOX },
  )
  return (data as { login: { accessToken: string } }).login.accessToken
}

test('an owner sees sign-ins with device and IP address, and which is this one', async () => {
  const owner = await signUp(service)
  await signInByThief(owner)
  const page = await securityOf(owner)
  const rows = page.locator('.rows > li')
  await rows.nth(0).getByText('this device').waitFor()
  expect(await rows.nth(0).getByRole('button').count()).toBe(0)
  expect(await rows.nth(1).textContent()).toMatch(/^Signed in.*Firefox on Linux · 127\.0\.0\.1/)
  await rows.nth(1).getByRole('button', { name: 'This wasn’t me' }).waitFor()
  await page.screenshot({ path: 'test/web/screenshots/security-activity.png', fullPage: true })
})

test('"This wasn’t me" ends that session first, then sets a new password, by keyboard alone', async () => {
  const owner = await signUp(service)
  const thief = await signInByThief(owner)
  const page = await securityOf(owner)
  await page.locator('.rows > li').nth(1).getByRole('button', { name: 'This wasn’t me' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Secure your account' })
  await dialog.getByText('First, sign out Firefox on Linux.').waitFor()
  expect(await violations(page)).toEqual([])
  await page.screenshot({ path: 'test/web/screenshots/not-me-end.png' })
  expect(await stateOf(service, thief)).toBe('LIVE')
  await dialog.getByRole('button', { name: 'Sign out this device' }).press('Enter')
  await dialog.getByText('Firefox on Linux is signed out.').waitFor()
  expect(await stateOf(service, thief)).toBe('REVOKED')

  await until(page, "document.activeElement.name === 'currentPassword'")
  expect(await violations(page)).toEqual([])
  await page.screenshot({ path: 'test/web/screenshots/not-me-password.png' })
  await page.keyboard.type('wrong')
  await dialog.getByLabel('New password').fill(NEW_PASSWORD)
  await page.keyboard.press('Enter')
  await dialog.getByText('Wrong password. Try again.').waitFor()
  await dialog.getByLabel('Current password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('Your password was changed and all other devices were signed out.').waitFor()
  await page.getByText('Password changed').first().waitFor()
  expect(codes(await login(service, { identifier: owner.email }))).toEqual(['INVALID_CREDENTIALS'])
  await signIn(service, owner.email, NEW_PASSWORD)
})

test('"This wasn’t me" signs out all other devices of an owner without a password', async () => {
  const owner = await signUp(service)
  const thief = await signInByThief(owner)
  const page = await securityOf(owner)
  // Who signs in with a passkey or another service.
  await service.app.db.user.update({ where: { id: owner.id }, data: { passwordHash: null } })
  await page.reload()
  await page.locator('.rows > li').nth(1).getByRole('button', { name: 'This wasn’t me' }).click()
  const dialog = page.getByRole('dialog', { name: 'Secure your account' })
  await dialog.getByText('This signs out Firefox on Linux and all your other devices.').waitFor()
  expect(await dialog.getByLabel('Current password').count()).toBe(0)
  expect(await violations(page)).toEqual([])
  await page.screenshot({ path: 'test/web/screenshots/not-me-without-password.png' })
  await dialog.getByRole('button', { name: 'Sign out other devices' }).click()
  await page.getByText('All other devices were signed out.').waitFor()
  expect(await stateOf(service, thief)).toBe('REVOKED')
  expect(await stateOf(service, owner.accessToken)).toBe('REVOKED')
})

test('a sign-in that has ended leads straight to a new password', async () => {
  const owner = await signUp(service)
  await signInByThief(owner)
  const page = await securityOf(owner)
  await service.app.db.session.updateMany({
    where: { userId: owner.id, deviceName: 'Firefox on Linux' },
    data: { revokedAt: service.clock.now() },
  })
  await page.reload()
  await page.locator('.rows > li').nth(1).getByRole('button', { name: 'This wasn’t me' }).click()
  const dialog = page.getByRole('dialog', { name: 'Secure your account' })
  await dialog.getByText('This device is already signed out.').waitFor()
  await dialog.getByLabel('Current password').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await until(page, "document.activeElement.textContent === 'This wasn’t me'")
})

test('failed sign-ins from one place stand in one row, and more is shown on demand', async () => {
  const owner = await signUp(service)
  for (let count = 0; count < 5; count++)
    await login(service, { identifier: owner.email, password: 'wrong' }, { headers: FIREFOX })
  for (let count = 0; count < 8; count++) await signIn(service, owner.email)
  const page = await securityOf(owner)
  expect(await page.getByText('Sign-in denied').count()).toBe(1)
  await page.getByRole('button', { name: 'Show more' }).click()
  await page.getByText('5 times').waitFor()
  await page.getByText('Account registered').waitFor()
  expect(await page.getByText('Sign-in denied').count()).toBe(1)
  expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
})

test.each(['en-GB', 'ko-KR'])(
  'is right for people with disabilities and fits a phone, in %s',
  async locale => {
    const owner = await signUp(service)
    await signInByThief(owner)
    const page = await securityOf(owner, { locale, viewport: PHONE, hasTouch: true, colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    const name = `security-activity-${locale.slice(0, 2)}-phone`
    await page.screenshot({ path: `test/web/screenshots/${name}.png`, fullPage: true })
  },
)
