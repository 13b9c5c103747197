import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { as, PASSWORD, type SignedIn, signUp, signUpVerified } from '../support/actors.ts'
import { until, useBrowser } from '../support/browser.ts'
import { mailedToken } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on' } })
const browser = useBrowser()
const HALF_AN_HOUR_SECONDS = 1800
const DAY_SECONDS = 86_400

async function signedInAt(path: string, { email }: SignedIn): Promise<Page> {
  const page = await browser.open()
  await page.goto(service.url + path)
  await signInOn(page, email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  return page
}

/** Ends all sessions of the account but that of `account` itself. */
async function endOthers(account: SignedIn): Promise<void> {
  const reply = await service.send('mutation { revokeOtherSessions }', {}, as(account))
  expect(reply.errors).toEqual([])
}

/** Signs out in another tab of the same browser. */
async function signOutBeside(page: Page): Promise<void> {
  const tab = await browser.open({ beside: page })
  await tab.goto(`${service.url}/account`)
  await tab.getByRole('button', { name: 'Account menu' }).click()
  await tab.getByRole('menuitem', { name: 'Sign out' }).click()
}

/** As if the visitor came back from another window. */
async function focus(page: Page): Promise<void> {
  await page.evaluate("window.dispatchEvent(new Event('focus'))")
}

const ENDED = 'You were signed out. Sign in again to continue.'

test('a page that gets the focus finds its session ended, and shows what was typed after signing in again', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace')
  await page.getByLabel('Username').fill('ada.l')
  await endOthers(account)
  await focus(page)
  await page.getByText(ENDED).waitFor()
  expect(await page.getByLabel('Username', { exact: true }).isVisible()).toBe(false)
  await signInOn(page, account.email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Ada Lovelace')
  expect(await page.getByLabel('Username').inputValue()).toBe('ada.l')
  await until(page, "document.title === 'Profile · My account · Authograph'")
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
})

test('a page whose visitor signs out in another tab leaves nothing of the account in the document', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace')
  await signOutBeside(page)
  await page.getByText(ENDED).waitFor()
  await page.locator('input[name=displayName]').waitFor({ state: 'detached' })
  expect(await page.content()).not.toContain(account.email)
})

test('a page that was hidden because its session was revoked goes when its visitor signs out in another tab', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  await endOthers(account)
  await focus(page)
  await page.getByText(ENDED).waitFor()
  expect(await page.locator('input[name=displayName]').count()).toBe(1)
  const tab = await browser.open({ beside: page })
  await tab.goto(`${service.url}/account`)
  await signInOn(tab, account.email, PASSWORD)
  await tab.getByRole('heading', { name: 'My account' }).waitFor()
  await tab.getByRole('button', { name: 'Account menu' }).click()
  await tab.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.locator('input[name=displayName]').waitFor({ state: 'detached' })
  expect(await page.content()).not.toContain(account.email)
})

test('deleting the account leaves nothing of it in the other tabs', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  const tab = await browser.open({ beside: page })
  await tab.goto(`${service.url}/account/data`)
  await tab.getByRole('button', { name: 'Delete my account' }).click()
  await tab
    .getByRole('dialog', { name: 'Delete your account' })
    .getByRole('button', { name: 'Delete' })
    .click()
  await page.getByText(ENDED).waitFor()
  await page.locator('input[name=displayName]').waitFor({ state: 'detached' })
  expect(await page.content()).not.toContain(account.email)
})

test('another user who signs in there sees nothing of what was typed', async () => {
  const account = await signUp(service)
  const other = await signUp(service)
  const page = await signedInAt('/account', account)
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace')
  await endOthers(account)
  await focus(page)
  await page.getByText(ENDED).waitFor()
  await signInOn(page, other.email, PASSWORD)
  await page.getByText(`You sign in with ${other.email}`).waitFor()
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('')
  expect(await page.content()).not.toContain(account.email)
})

test('a session that ends behind the password dialog of a deletion asks to sign in, and the account stays', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account/data', account)
  service.clock.advance(HALF_AN_HOUR_SECONDS)
  await page.getByRole('button', { name: 'Delete my account' }).click()
  await page
    .getByRole('dialog', { name: 'Delete your account' })
    .getByRole('button', { name: 'Delete' })
    .click()
  await page.getByRole('dialog', { name: 'Confirm it’s you' }).waitFor()
  await signOutBeside(page)
  await page.getByText(ENDED).waitFor()
  await page.screenshot({ path: 'test/web/screenshots/ended-behind-dialog.png' })
  await signInOn(page, account.email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  expect(await service.app.db.user.count({ where: { id: account.id } })).toBe(1)
})

test.each(['/', '/sign-in', '/account'])(
  '%s says that the server cannot be reached, and goes on once it can',
  async path => {
    const account = await signUp(service)
    const page = await signedInAt('/account', account)
    // What a proxy answers in its place.
    await page.route('**/graphql', route => route.fulfill({ status: 200, body: 'no JSON' }))
    await page.goto(service.url + path)
    await page.getByRole('heading', { name: 'The server isn’t responding' }).waitFor()
    await page.unroute('**/graphql')
    // The client also tries again by itself, and may be first.
    await page
      .getByRole('button', { name: 'Try again' })
      .click({ timeout: 1000 })
      .catch(() => {})
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  },
)

test('an address that is the name of a property of every object is a page that is not found', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  for (const name of ['constructor', 'toString', '__proto__']) {
    await page.goto(`${service.url}/account/${name}`)
    await page.getByRole('heading', { name: 'Page not found' }).waitFor()
  }
})

test('a page that failed makes way for the next one', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account', account)
  await page.route('**/graphql', route => {
    const asksSessions = route.request().postData()?.includes('query Sessions')
    const body = JSON.stringify({ data: { me: { sessions: [null] } } })
    return asksSessions ? route.fulfill({ contentType: 'application/json', body }) : route.continue()
  })
  await page.goto(`${service.url}/account`)
  await page.getByRole('link', { name: 'Devices' }).click()
  await page.getByText('Something went wrong on this page.').waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  browser.forgive()
})

test('an error disappears when its input changes, and a wrong current password is marked at its field', async () => {
  const account = await signUp(service)
  const page = await signedInAt('/account/security', account)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Required').first().waitFor()
  await page.getByLabel('Current password').fill('wrong')
  await page.getByLabel('New password').fill('eighteen copper whistles')
  await page.getByText('Required').first().waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Wrong password. Try again.').waitFor()
  expect(await page.getByLabel('Current password').getAttribute('aria-invalid')).toBe('true')
  expect(await page.evaluate('document.activeElement.name')).toBe('currentPassword')
})

test('inputs on a phone have at least 16 px, so that it does not zoom', async () => {
  const account = await signUp(service)
  const page = await browser.open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
  const small = `[...document.querySelectorAll('input, select, textarea')]
    .filter(input => input.type !== 'checkbox' && parseFloat(getComputedStyle(input).fontSize) < 16)
    .map(input => input.name || input.ariaLabel)`
  await page.goto(`${service.url}/sign-in`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  expect(await page.evaluate(small)).toEqual([])
  await signInOn(page, account.email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  await page.waitForLoadState('networkidle')
  expect(await page.evaluate(small)).toEqual([])
  await page.screenshot({ path: 'test/web/screenshots/profile-phone-inputs.png', fullPage: true })
})

test('the owner sees that a change of address can be undone, and can end that a day later', async () => {
  const account = await signUpVerified(service)
  const page = await signedInAt('/account', account)
  await service.send(
    'mutation ($e: String!) { requestEmailChange(input: { newEmail: $e }) }',
    { e: `new.${account.email}` },
    as(account),
  )
  const token = await mailedToken(service, `new.${account.email}`, 'confirm-email')
  await service.send('mutation ($t: String!) { confirmEmailChange(input: { token: $t }) { id } }', {
    t: token,
  })
  await page.reload()
  await page.getByText('can undo the last change until').waitFor()
  await page.screenshot({ path: 'test/web/screenshots/profile-email-undo.png', fullPage: true })
  await page.getByRole('button', { name: 'End this now' }).click()
  await page.getByText('The former address can undo the change for at least a day.').waitFor()
  service.clock.advance(DAY_SECONDS)
  await page.reload()
  await page.getByRole('button', { name: 'End this now' }).click()
  const dialog = page.getByRole('dialog', { name: 'Confirm it’s you' })
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('The former address can no longer undo the change.').waitFor()
})
