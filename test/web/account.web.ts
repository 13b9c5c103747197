import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, signUp, signUpVerified } from '../support/actors.ts'
import { until, useBrowser } from '../support/browser.ts'
import { mailedToken } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on' } })
const browser = useBrowser()
const NEW_PASSWORD = 'eighteen copper whistles'
const HALF_AN_HOUR_SECONDS = 1800

async function signedInAt(path: string, email: string): Promise<Page> {
  const page = await browser.open()
  await page.goto(service.url + path)
  await signInOn(page, email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  return page
}

test('a profile can be changed, and the field of a taken username shows the error', async () => {
  const taken = await signUp(service, { username: 'grace' })
  expect(taken.id).toBeDefined()
  const { email, id } = await signUp(service)
  const page = await signedInAt('/account', email)
  await page.getByLabel('Name', { exact: true }).fill('에이다')
  await page.getByLabel('Username').fill('grace')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('This username is taken. Choose another.').waitFor()
  await page.getByLabel('Username').fill('ada')
  await page.getByLabel('Language', { exact: true }).first().selectOption('ko')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('저장했습니다.').waitFor()
  const user = await service.app.db.user.findUniqueOrThrow({ where: { id } })
  expect(user).toMatchObject({ displayName: '에이다', username: 'ada', locale: 'ko' })
})

test('the focus stays at the button that was pressed', async () => {
  const { email } = await signUp(service)
  const page = await signedInAt('/account', email)
  await page.getByLabel('Name', { exact: true }).fill('Ada')
  await page.getByRole('button', { name: 'Save' }).press('Enter')
  await page.getByText('Saved.').waitFor()
  await until(page, "document.activeElement.textContent === 'Save'")
  await page.getByRole('link', { name: 'Security' }).click()
  await page.getByLabel('Current password').fill(PASSWORD)
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Change password' }).press('Enter')
  await page.getByText('Your password was changed').waitFor()
  await until(page, "document.activeElement.textContent === 'Change password'")
})

test('each part of the account has a name of its own in the browser’s tab and history', async () => {
  const { email } = await signUp(service)
  const page = await signedInAt('/account', email)
  await until(page, "document.title === 'Profile · My account · Authograph'")
  await page.getByRole('link', { name: 'Devices' }).click()
  await until(page, "document.title === 'Devices · My account · Authograph'")
  await page.goBack()
  await until(page, "document.title === 'Profile · My account · Authograph'")
})

test('a password manager sees whose password changes', async () => {
  const { email } = await signUp(service)
  const page = await signedInAt('/account/security', email)
  const form = page.locator('form', { has: page.getByLabel('New password') })
  const inputs = await form
    .locator('input')
    .evaluateAll(all =>
      (all as HTMLInputElement[]).map(({ autocomplete, type, value }) => ({ autocomplete, type, value })),
    )
  expect(inputs).toEqual([
    { autocomplete: 'username', type: 'text', value: email },
    { autocomplete: 'current-password', type: 'password', value: '' },
    { autocomplete: 'new-password', type: 'password', value: '' },
  ])
})

test('devices are named in the language of the page', async () => {
  const { email } = await signUp(service)
  const page = await browser.open({ locale: 'ko-KR' })
  await page.goto(`${service.url}/account/devices`)
  await signInOn(page, email, PASSWORD)
  await page.getByText('Linux의 Chrome').waitFor()
})

test('a password can be changed, and a wrong current password shows an error', async () => {
  const { email } = await signUp(service)
  const page = await signedInAt('/account/security', email)
  await page.getByLabel('Current password').fill('wrong')
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Wrong password. Try again.').waitFor()
  await page.getByLabel('Current password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Your password was changed').waitFor()
  expect(await page.getByLabel('New password').inputValue()).toBe('')
})

test('the new address counts once its mail is opened, and the old one can be taken back', async () => {
  const { email, id } = await signUpVerified(service)
  const page = await signedInAt('/account', email)
  const newEmail = `new-${email}`
  await page.getByLabel('New email address').fill(newEmail)
  await page.getByRole('button', { name: 'Change address' }).click()
  await page.getByText(`We sent a link to ${newEmail}.`).waitFor()

  await openLink(page, newEmail, 'confirm-email')
  await page.getByRole('button', { name: 'Use this address' }).click()
  await page.getByRole('heading', { name: 'Your address has changed' }).waitFor()
  await page.getByRole('link', { name: 'Go to your account' }).click()
  await page.getByText(`You sign in with ${newEmail}`).waitFor()

  await openLink(page, email, 'undo-email')
  await page.getByRole('button', { name: 'Keep this address' }).click()
  await page.getByRole('heading', { name: 'Your account is safe' }).waitFor()
  expect(await service.app.db.user.findUniqueOrThrow({ where: { id } })).toMatchObject({
    email,
    passwordHash: null,
  })
})

test('what is delicate asks for the password again when the sign-in is not fresh, and goes on after it', async () => {
  const { email } = await signUp(service)
  const page = await signedInAt('/account/data', email)
  service.clock.advance(HALF_AN_HOUR_SECONDS)
  await page.getByRole('button', { name: 'Download' }).click()
  const dialog = page.getByRole('dialog', { name: 'Confirm it’s you' })
  await dialog.getByLabel('Password', { exact: true }).fill('wrong')
  await dialog.getByRole('button', { name: 'Continue' }).click()
  await dialog.getByText('Wrong password. Try again.').waitFor()
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Continue' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('account.json')
  expect(await readFile(await download.path(), 'utf8')).toContain(email)
  await dialog.waitFor({ state: 'detached' })
})

test('who closes that dialog has changed nothing', async () => {
  const { email, id } = await signUp(service)
  const page = await signedInAt('/account/data', email)
  service.clock.advance(HALF_AN_HOUR_SECONDS)
  await page.getByRole('button', { name: 'Delete my account' }).click()
  await page
    .getByRole('dialog', { name: 'Delete your account' })
    .getByRole('button', { name: 'Delete' })
    .click()
  await page.getByRole('dialog', { name: 'Confirm it’s you' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Confirm it’s you' }).waitFor({ state: 'detached' })
  expect(await service.app.db.user.count({ where: { id } })).toBe(1)
})

test('the account is deleted after a confirmation that names it', async () => {
  const { email, id } = await signUp(service)
  const page = await signedInAt('/account/data', email)
  await page.getByRole('button', { name: 'Delete my account' }).click()
  const dialog = page.getByRole('dialog', { name: 'Delete your account' })
  await dialog.getByText(`This permanently deletes the account ${email}`).waitFor()
  await dialog.getByRole('button', { name: 'Delete my account' }).click()
  await page.getByText('Your account is deleted').waitFor()
  await page.waitForURL(`${service.url}/sign-in`)
  expect(await service.app.db.user.count({ where: { id } })).toBe(0)
})

/** Opens the newest link to `path` in the emails to an address. */
async function openLink(page: Page, address: string, path: string): Promise<void> {
  await page.goto(`${service.url}/${path}#token=${await mailedToken(service, address, path)}`)
}

test('an API key is created, shown once, listed and deleted, without leaving the page', async () => {
  const { email, id } = await signUpVerified(service)
  await service.app.db.userRole.create({ data: { userId: id, roleName: 'support' } })
  const page = await signedInAt('/account/api-keys', email)
  await page.getByRole('button', { name: 'Create an API key' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  await dialog.getByText('Required').waitFor()
  await dialog.getByLabel('Name').fill('Nightly report')
  await dialog.getByLabel('audit:read').check()
  await dialog.getByRole('button', { name: 'Create', exact: true }).click()
  const secret = await dialog.getByText(/^agk_/).textContent()
  expect(await stateOf(service, String(secret))).toBe('LIVE')
  await page.keyboard.press('Escape')
  await dialog.getByText('Store the key first').waitFor()
  expect(await dialog.getByText(/^agk_/).isVisible()).toBe(true)
  await dialog.getByLabel('I’ve stored the key').check()
  await dialog.getByRole('button', { name: 'Done' }).click()
  const row = page.getByRole('listitem').filter({ hasText: 'Nightly report' })
  await row.getByText('audit:read').waitFor()
  expect(await page.content()).not.toContain(String(secret))
  const [stored] = await service.app.db.apiKey.findMany({ where: { userId: id } })
  expect(stored).toMatchObject({ permissions: ['audit:read'], expiresAt: expect.any(Date) })
  await row.getByRole('button', { name: 'Delete Nightly report' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByText('The API key “Nightly report” was deleted.').waitFor()
  expect(await stateOf(service, String(secret))).toBe('REVOKED')
})
