import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, signUp } from '../support/actors.ts'
import { useBrowser } from '../support/browser.ts'
import { useService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on' } })
const browser = useBrowser()
const EXPIRY_SECONDS = 661

/** A browser in which the account is signed in. */
async function signedIn(email: string, beside?: Page): Promise<Page> {
  const page = await browser.open(beside ? { beside } : {})
  await page.goto(`${service.url}/account/devices`)
  if (!beside) await signInOn(page, email, PASSWORD)
  await page.getByRole('heading', { name: 'Devices' }).waitFor()
  await page.getByText('this device').waitFor()
  return page
}

test('two tabs whose access token has expired renew it at the same time, and both stay signed in', async () => {
  const { email, id } = await signUp(service)
  const one = await signedIn(email)
  const other = await signedIn(email, one)
  for (let round = 0; round < 3; round++) {
    service.clock.advance(EXPIRY_SECONDS)
    await Promise.all(
      [one, other].map(async page => {
        await page.getByRole('link', { name: 'Profile' }).click()
        await page.getByLabel('Username').fill(`round-${round}`)
        await page.getByRole('button', { name: 'Save' }).click()
        await page.getByText('Saved.').waitFor()
      }),
    )
  }
  await Promise.all([one, other].map(page => page.reload()))
  await Promise.all([one, other].map(page => page.getByRole('heading', { name: 'My account' }).waitFor()))
  const sessions = await service.app.db.session.findMany({ where: { userId: id } })
  for (const session of sessions) {
    expect(session.revokedAt).toBeNull()
    expect(await countEvents(service, session.id, 'session.reuse_detected')).toBe(0)
  }
})

test('signing out one browser from another ends it there, and it says so', async () => {
  const { email } = await signUp(service)
  const mine = await signedIn(email)
  const theirs = await signedIn(email)
  await mine.reload()
  const others = mine.getByRole('button', { name: 'Sign out Chrome on Linux' })
  await others.click()
  await mine.getByText('Chrome on Linux was signed out.').waitFor()
  await others.waitFor({ state: 'detached' })

  await theirs.getByRole('button', { name: 'Sign out all other devices' }).click()
  await theirs.getByText('You were signed out. Sign in again to continue.').waitFor()
  await signInOn(theirs, email, PASSWORD)
  await theirs.getByRole('heading', { name: 'Devices' }).waitFor()
})

test('signing out all other devices leaves this one alone signed in', async () => {
  const { email } = await signUp(service)
  const mine = await signedIn(email)
  await mine.getByRole('button', { name: 'Sign out all other devices' }).click()
  await mine.getByText('1 device was signed out.').waitFor()
  await mine.getByText('this device').waitFor()
  await mine.locator('ul.rows > li').nth(1).waitFor({ state: 'detached' })
})

test('signing out in one tab signs out the other', async () => {
  const { email } = await signUp(service)
  const one = await signedIn(email)
  const other = await signedIn(email, one)
  await one.getByRole('button', { name: 'Account menu' }).click()
  await one.getByRole('menuitem', { name: 'Sign out' }).click()
  await one.getByText('You are signed out.').waitFor()
  await one.waitForURL(`${service.url}/sign-in`)
  await other.getByText('You were signed out. Sign in again to continue.').waitFor()
  await one.goto(`${service.url}/account`)
  await one.getByRole('heading', { name: 'Sign in to Authograph' }).waitFor()
})

test('times are those of the browser’s zone, and it is named', async () => {
  const { email } = await signUp(service)
  const page = await browser.open({ timezoneId: 'Asia/Seoul' })
  await page.goto(`${service.url}/account/devices`)
  await signInOn(page, email, PASSWORD)
  await page.getByText('Korean Standard Time').waitFor()
  const shown = await page.locator('li', { hasText: 'this device' }).locator('time').first().textContent()
  const at = await page
    .locator('li', { hasText: 'this device' })
    .locator('time')
    .first()
    .getAttribute('datetime')
  const inSeoul = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'Asia/Seoul' }).format(
    new Date(at ?? ''),
  )
  expect(shown).toContain(inSeoul)
})
