import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { as, PASSWORD, type SignedIn, signUp } from '../support/actors.ts'
import { until, useBrowser } from '../support/browser.ts'
import { mailedToken } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const ELSEWHERE = 'http://app.example.com'
const service = useService({
  settings: {
    WEB: 'on',
    RETURN_ORIGINS: ELSEWHERE,
    LIMIT_MAIL_ADDRESS: '2/30s',
    LIMIT_MAIL_NETWORK: '1000/1h',
  },
})
const browser = useBrowser()
const NEW_PASSWORD = 'eighteen copper whistles'

async function resetLink({ email }: { email: string }): Promise<string> {
  await service.send('mutation ($e: String!) { requestPasswordReset(input: { email: $e }) }', { e: email })
  return `${service.url}/reset-password#token=${await mailedToken(service, email, 'reset-password')}`
}

async function signedInAt(path: string, { email }: SignedIn, beside?: Page): Promise<Page> {
  const page = await browser.open(beside ? { beside } : {})
  await page.goto(service.url + path)
  if (!beside) await signInOn(page, email, PASSWORD)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  return page
}

test('resending a link keeps the address, sends again, and counts down when that is limited', async () => {
  const { email } = await signUp(service)
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.locator('input[name=identifier]').fill(email)
  await page.getByRole('link', { name: 'Forgot password?' }).click()
  await until(page, "location.pathname === '/forgot-password'")
  expect(await page.getByLabel('Email address').inputValue()).toBe(email)
  await page.getByRole('button', { name: 'Send link' }).click()
  await page.getByText(`If ${email} has an account`).waitFor()
  await page.getByRole('button', { name: 'Resend' }).click()
  await page.getByText('Sent again.').waitFor()
  expect((await service.mailsTo(email)).filter(({ text }) => text?.includes('/reset-password'))).toHaveLength(
    2,
  )

  await page.getByRole('button', { name: 'Resend' }).click()
  await page.getByRole('button', { name: /^Resend in \d+ / }).waitFor()
  await page.screenshot({ path: 'test/web/screenshots/resend-limited.png' })
  expect(await page.getByRole('button', { name: /^Resend in/ }).isDisabled()).toBe(true)

  await page.getByRole('button', { name: 'Use another address' }).click()
  expect(await page.getByLabel('Email address').inputValue()).toBe(email)
})

test('a visitor who forgot the password returns to where they came from', async () => {
  const { email } = await signUp(service)
  const page = await browser.open()
  await page.route(`${ELSEWHERE}/**`, route =>
    route.fulfill({ contentType: 'text/html', body: 'welcome back' }),
  )
  await page.goto(`${service.url}/register?return_to=${encodeURIComponent(`${ELSEWHERE}/inbox`)}`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: 'Forgot password?' }).click()
  await page.getByLabel('Email address').fill(email)
  await page.getByRole('button', { name: 'Send link' }).click()
  await page.getByRole('heading', { name: 'Check your email' }).waitFor()
  const back = await page.getByRole('link', { name: 'Go to sign-in' }).getAttribute('href')
  expect(new URL(back ?? '', service.url).searchParams.get('return_to')).toBe(`${ELSEWHERE}/inbox`)

  const tab = await browser.open({ beside: page })
  await tab.route(`${ELSEWHERE}/**`, route =>
    route.fulfill({ contentType: 'text/html', body: 'welcome back' }),
  )
  await tab.goto(`${service.url}/reset-password#token=${await mailedToken(service, email, 'reset-password')}`)
  await tab.getByLabel('New password').fill(NEW_PASSWORD)
  await tab.getByRole('button', { name: 'Set password' }).click()
  await tab.waitForURL(`${ELSEWHERE}/inbox`)
})

test('the page of a link survives a reload, names its account and tells a password manager', async () => {
  const account = await signUp(service)
  const page = await browser.open()
  await page.goto(await resetLink(account))
  await page.waitForURL(`${service.url}/reset-password`)
  await page.getByLabel('New password').waitFor()
  await page.reload()
  await page.getByLabel('New password').waitFor()
  const name = page.locator('input[autocomplete=username]')
  expect(await name.inputValue()).toBe(account.email)
  expect(await name.isVisible()).toBe(true)
  await page.screenshot({ path: 'test/web/screenshots/reset-password-named.png' })
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
})

test('the current password is refused as a new one', async () => {
  const account = await signUp(service)
  const page = await browser.open()
  await page.goto(await resetLink(account))
  await page.getByLabel('New password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByText('This is your current password. Choose a different one.').waitFor()
})

test('a second click on a verification link says that the address is confirmed', async () => {
  const { email } = await signUp(service)
  const link = `${service.url}/verify-email#token=${await mailedToken(service, email, 'verify-email')}`
  const page = await browser.open()
  await page.goto(link)
  await page.getByText(email).waitFor()
  await page.getByRole('button', { name: 'Confirm address' }).click()
  await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
  const again = await browser.open()
  await again.goto(link)
  await again.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
})

test('a reset in a browser that is signed in shows no page of the ended session, in any tab', async () => {
  const account = await signUp(service)
  const other = await signedInAt('/account/devices', account)
  await other.getByText('this device').waitFor()
  const page = await browser.open({ beside: other })
  await page.goto(await resetLink(account))
  // As if signing in failed after the password was set.
  await page.route('**/graphql', route =>
    route.request().postData()?.includes('mutation Login')
      ? route.fulfill({ status: 200, body: 'no JSON' })
      : route.continue(),
  )
  await page.getByLabel('New password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'Your password is set' }).waitFor()
  await other.getByText('You were signed out. Sign in again to continue.').waitFor()
  await page.getByRole('link', { name: 'Go to sign-in' }).click()
  await page.getByRole('heading', { name: 'Sign in to Authograph' }).waitFor()
})

test('undoing a change of address signs out the browser in which that happens, in every tab', async () => {
  const account = await signUp(service)
  await service.app.db.user.update({ where: { id: account.id }, data: { emailVerifiedAt: new Date() } })
  await service.send(
    'mutation ($e: String!) { requestEmailChange(input: { newEmail: $e }) }',
    { e: `new.${account.email}` },
    as(account),
  )
  const other = await signedInAt('/account', account)
  const page = await browser.open({ beside: other })
  const token = await mailedToken(service, account.email, 'undo-email')
  await page.goto(`${service.url}/undo-email#token=${token}`)
  await page.getByRole('button', { name: 'Keep this address' }).click()
  await page.getByRole('heading', { name: 'Your account is safe' }).waitFor()
  await page.getByRole('link', { name: 'Go to sign-in' }).waitFor()
  await other.getByText('You were signed out. Sign in again to continue.').waitFor()
})
