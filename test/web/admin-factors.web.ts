import { readFile } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { newRole, PASSWORD, type SignedIn, signUp, signUpVerified, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { templatesTo } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { expectDead, stateOf } from '../support/sessions.ts'
import { addSomePasskey, addSomeRecoveryCodes, addSomeTotp } from '../support/some-factors.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on', LIMIT_LOGIN_NETWORK: '10000/1h' } })
const browser = useBrowser()
const PHONE = { width: 375, height: 740 }
/** More than the 10 minutes that a sign-in counts as recent. */
const NOT_RECENT_SECONDS = 660

let admin: SignedIn
beforeEach(async () => {
  admin = await signUpWith(service, 'admin')
})

async function openAs(viewer: SignedIn, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.open({ timezoneId: 'Asia/Seoul', ...options })
  await page.goto(service.url + path)
  await signInOn(page, viewer.email, PASSWORD)
  await loaded(page)
  return page
}

/** Waits for a page of the console, not for the sign-in page before it, and for what it asks the server. */
async function loaded(page: Page): Promise<void> {
  await page.locator('.frame-main h1').waitFor()
  await until(page, "!document.querySelector('.mantine-Skeleton-root, [aria-busy=true]')")
}

const fits = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= innerWidth')
const picture = (page: Page, name: string) =>
  page.screenshot({ path: `test/web/screenshots/factors-${name}.png`, fullPage: true })

/** An account with a name, an authenticator app, two passkeys, a security key and recovery codes, two of them used. */
async function withFactors(displayName: string): Promise<SignedIn> {
  const account = await signUpVerified(service)
  const { user, passkey, recoveryCode } = service.app.db
  await user.update({ where: { id: account.id }, data: { displayName } })
  await addSomeTotp(service, account.id)
  for (const name of ['iCloud Keychain', 'Work laptop', 'YubiKey']) {
    await addSomePasskey(service, account.id)
    await passkey.updateMany({
      where: { userId: account.id, name: 'Passkey' },
      data: { name, discoverable: name !== 'YubiKey' },
    })
  }
  await addSomeRecoveryCodes(service, account.id)
  const used = { userId: account.id, slot: { in: [0, 1] } }
  await recoveryCode.updateMany({ where: used, data: { usedAt: service.clock.now() } })
  return account
}

const factorCount = async (userId: string) => {
  const { totp, passkey, recoveryCode } = service.app.db
  const where = { userId }
  return (
    (await totp.count({ where })) + (await passkey.count({ where })) + (await recoveryCode.count({ where }))
  )
}

describe('the roles page', () => {
  const requiredFrom = async (name: string) =>
    (await service.app.db.role.findUniqueOrThrow({ where: { name } })).secondFactorRequiredFrom
  const require = (name: string, secondFactorRequiredFrom: Date | null) =>
    service.app.db.role.update({ where: { name }, data: { secondFactorRequiredFrom } })
  const rowOf = (page: Page, name: string) =>
    page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) })
  async function ask(page: Page, name: string) {
    await page.getByRole('button', { name: `Second factor for ${name}` }).click()
    return page.getByRole('dialog', { name: `Second factor for ${name}` })
  }

  test('requires a second factor from now on, of a built-in role too, and shows who has none', async () => {
    const page = await openAs(admin, '/roles')
    const began = Date.now()
    const dialog = await ask(page, 'support')
    await dialog.getByLabel('From now').check()
    expect(await violations(page)).toEqual([])
    await picture(page, 'role-now')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('support requires a second factor.', { exact: true }).waitFor()
    const from = (await requiredFrom('support'))?.getTime() ?? 0
    try {
      expect(from).toBeGreaterThanOrEqual(began - 1000)
      expect(from).toBeLessThanOrEqual(Date.now() + 1000)
      const row = rowOf(page, 'support')
      await row.getByText('Second factor required since').waitFor()
      expect(await violations(page)).toEqual([])
      await picture(page, 'roles')
      // Saved unchanged, it still begins when it began.
      await (await ask(page, 'support')).getByRole('button', { name: 'Save' }).click()
      await dialog.waitFor({ state: 'detached' })
      expect((await requiredFrom('support'))?.getTime()).toBe(from)
      await row.getByRole('link', { name: 'People with the role support and no second factor' }).click()
      await page.waitForURL('**/users?role=support&factor=no')
    } finally {
      await require('support', null)
    }
  })

  test('requires it from a day on, in the zone of the visitor, and no longer, all by keyboard', async () => {
    const role = await newRole(service, 'users:read')
    const page = await openAs(admin, '/roles')
    await page.getByRole('button', { name: `Second factor for ${role}` }).press('Enter')
    const dialog = page.getByRole('dialog', { name: `Second factor for ${role}` })
    await until(page, "document.activeElement.type === 'radio'")
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await dialog.getByLabel('From a date').isChecked()).toBe(true)
    const day = dialog.getByLabel('Date', { exact: true })
    await page.keyboard.press('Enter')
    await dialog.getByText('Required', { exact: true }).waitFor()
    await until(page, "document.activeElement.name === 'day'")
    await day.fill('2020-01-01')
    await page.keyboard.press('Enter')
    await dialog.getByText('Choose a day after today.').waitFor()
    expect(await requiredFrom(role)).toBeNull()
    expect(await violations(page)).toEqual([])
    await picture(page, 'role-date')
    await day.fill('2099-03-01')
    await page.keyboard.press('Enter')
    await page.getByText(`${role} requires a second factor from 1 March 2099.`, { exact: true }).waitFor()
    expect(await requiredFrom(role)).toEqual(new Date('2099-02-28T15:00:00Z'))
    await rowOf(page, role).getByText('Second factor required from 1 March 2099').waitFor()
    await until(page, `document.activeElement.ariaLabel === 'Second factor for ${role}'`)

    // A time that the command line has set exactly stays as it is.
    const exact = new Date('2099-05-05T05:05:05Z')
    await require(role, exact)
    await page.reload()
    await loaded(page)
    expect(await (await ask(page, role)).getByLabel('Date', { exact: true }).inputValue()).toBe('2099-05-05')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await requiredFrom(role)).toEqual(exact)

    await (await ask(page, role)).getByLabel('Not required').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText(`${role} no longer requires a second factor.`, { exact: true }).waitFor()
    expect(await requiredFrom(role)).toBeNull()
    await rowOf(page, role).getByText('Second factor required').waitFor({ state: 'detached' })
  })

  test('keeps administrators without a factor from locking themselves out, and leads to their own settings', async () => {
    const page = await openAs(admin, '/roles')
    const dialog = await ask(page, 'admin')
    await dialog.getByLabel('From now').check()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByRole('alert').getByText('you would lock yourself out').waitFor()
    expect(await requiredFrom('admin')).toBeNull()
    expect(await violations(page)).toEqual([])
    await picture(page, 'role-own')
    await dialog.getByRole('link', { name: 'Open your security settings' }).click()
    await page.waitForURL('**/account/security')
  })

  test('lets people who only view accounts see what is required, and change nothing', async () => {
    const role = await newRole(service)
    await require(role, new Date('2099-03-01T00:00:00Z'))
    const page = await openAs(await signUpWith(service, 'support'), '/roles')
    await rowOf(page, role).getByText('Second factor required from 1 March 2099').waitFor()
    expect(await page.locator('#main').getByRole('button').count()).toBe(0)
  })
})

describe('a person’s page', () => {
  const panel = (page: Page) => page.getByRole('region', { name: 'Second factors' })

  test('shows which factors the account has', async () => {
    const account = await withFactors('Ida Rhodes')
    const page = await openAs(await signUpWith(service, 'support'), `/users/${account.id}`)
    await panel(page).getByText('YubiKey').waitFor()
    expect(await panel(page).locator('dt').allTextContents()).toEqual([
      'At sign-in',
      'Authenticator app',
      'Passkeys',
      'Security keys',
      'Recovery codes',
      'Trusted devices',
    ])
    expect(await panel(page).locator('dd').allTextContents()).toEqual([
      'Required',
      'Set up',
      'iCloud Keychain, Work laptop',
      'YubiKey',
      '8 unused',
      'None',
    ])
    // Looking takes users:read; a reset takes users:factors.
    expect(await panel(page).getByRole('button').count()).toBe(0)
  })

  test('resets them for a reason, says what happens next, and shows that nothing is left', async () => {
    const account = await withFactors('Klára Dán')
    const page = await openAs(admin, `/users/${account.id}`)
    await panel(page).getByRole('button', { name: 'Reset second factors' }).press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Reset the second factors of Klára Dán?' })
    await dialog.getByText('All devices are signed out, and the owner is notified by email.').waitFor()
    await until(page, "document.activeElement.name === 'reason'")
    await dialog.getByLabel('Reason').fill('   ')
    await dialog.getByRole('button', { name: 'Reset second factors' }).click()
    await dialog.getByText('Required', { exact: true }).waitFor()
    expect(await factorCount(account.id)).toBe(14)
    expect(await violations(page)).toEqual([])
    await picture(page, 'reset')
    await dialog.getByLabel('Reason').fill(' Lost the phone; called back ')
    await dialog.getByRole('button', { name: 'Reset second factors' }).click()
    await panel(page).getByText('The owner sets up a new one at the next sign-in.').waitFor()
    await until(page, "document.activeElement.textContent.startsWith('The second factors were removed')")
    expect(await panel(page).locator('dd').allTextContents()).toEqual([
      'Required',
      ...['None', 'None', 'None', 'None', 'None'],
    ])
    expect(await panel(page).getByRole('button').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    await picture(page, 'after-reset')
    expect(await factorCount(account.id)).toBe(0)
    await expectDead(service, account)
    expect((await templatesTo(service, account.email)).at(-1)).toBe('factors-reset')
    const [event] = (await auditOf(service, account.id)).filter(({ action }) => action === 'factor.reset')
    expect(event).toMatchObject({ actorId: admin.id, detail: { reason: 'Lost the phone; called back' } })
  })

  test('asks for the administrator’s own proof when the sign-in is not recent, and goes on after it', async () => {
    const account = await withFactors('Mary Keller')
    const page = await openAs(admin, `/users/${account.id}`)
    service.clock.advance(NOT_RECENT_SECONDS)
    await panel(page).getByRole('button', { name: 'Reset second factors' }).click()
    const dialog = page.getByRole('dialog', { name: 'Reset the second factors of Mary Keller?' })
    await dialog.getByLabel('Reason').fill('Known in person')
    await dialog.getByRole('button', { name: 'Reset second factors' }).click()
    const proof = page.getByRole('dialog').filter({ has: page.locator('input[name=password]') })
    await proof.waitFor()
    // Thinking better of it keeps what was typed, and the factors.
    await proof.getByRole('button', { name: 'Cancel' }).click()
    await proof.waitFor({ state: 'detached' })
    expect(await dialog.getByLabel('Reason').inputValue()).toBe('Known in person')
    expect(await factorCount(account.id)).toBe(14)
    await dialog.getByRole('button', { name: 'Reset second factors' }).click()
    await proof.locator('input[name=password]').fill(PASSWORD)
    await proof.locator('button[type=submit]').click()
    await panel(page).getByText('The owner sets up a new one at the next sign-in.').waitFor()
    expect(await factorCount(account.id)).toBe(0)
  })

  test('offers no reset of one’s own factors, or of an account without any', async () => {
    const plain = await signUp(service)
    const page = await openAs(admin, `/users/${plain.id}`)
    await panel(page).getByText('Not required').waitFor()
    expect(await page.getByRole('button', { name: 'Reset second factors' }).count()).toBe(0)
    await addSomePasskey(service, admin.id)
    await page.goto(`${service.url}/users/${admin.id}`)
    await panel(page).getByText('Passkey', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Reset second factors' }).count()).toBe(0)
    expect(await stateOf(service, admin.accessToken)).toBe('LIVE')
  })
})

describe('the list of people', () => {
  const names = (page: Page) => page.locator('tbody .who strong').allTextContents()

  test('is filtered by second factor, in the address and in the export', async () => {
    const people: Record<string, SignedIn> = {}
    for (const name of ['app', 'none', 'passkey']) {
      people[name] = await signUp(service, { email: `filtered.${name}@example.com` })
    }
    await addSomeTotp(service, people.app?.id ?? '')
    await addSomePasskey(service, people.passkey?.id ?? '')
    const page = await openAs(admin, '/users?search=filtered&order=byEmail')
    expect(await names(page)).toHaveLength(3)
    const filter = page.getByLabel('Second factor')
    await filter.selectOption('Yes')
    await page.getByText('1–2 of 2').waitFor()
    expect(await names(page)).toEqual(['filtered.app@example.com', 'filtered.passkey@example.com'])
    expect(new URL(page.url()).searchParams.get('factor')).toBe('yes')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export CSV' }).click(),
    ])
    const rows = parse(await readFile(await download.path()), { bom: true }) as string[][]
    expect(rows.slice(1).map(cells => cells[2])).toEqual([
      'filtered.app@example.com',
      'filtered.passkey@example.com',
    ])
    await filter.selectOption('No')
    await page.getByText('1–1 of 1').waitFor()
    expect(await names(page)).toEqual(['filtered.none@example.com'])
    expect(await violations(page)).toEqual([])
    await picture(page, 'people')
    await page.reload()
    await page.getByText('1–1 of 1').waitFor()
    expect(await filter.inputValue()).toBe('no')
    await page.goBack()
    await page.getByText('1–2 of 2').waitFor()
    expect(await filter.inputValue()).toBe('yes')
  })
})

test.each([
  ['en-GB', 'light'],
  ['ko-KR', 'dark'],
] as const)(
  'all of it is right for people with disabilities and fits a phone, in %s and %s',
  async (locale, colorScheme) => {
    const account = await withFactors('가나다 Ωmega')
    const role = await newRole(service, 'users:read')
    const data = { secondFactorRequiredFrom: new Date('2099-03-01T00:00:00Z') }
    await service.app.db.role.update({ where: { name: role }, data })
    const phone = { locale, colorScheme, viewport: PHONE, hasTouch: true }
    const page = await openAs(admin, '/roles', phone)
    const right = async (name: string) => {
      expect(await violations(page)).toEqual([])
      expect(await fits(page)).toBe(true)
      await picture(page, `${name}-${locale.slice(0, 2)}-phone`)
    }
    await right('roles')
    await page.locator(`button[aria-label*="${role}"]`).first().tap()
    await page.locator('input[name=day]').waitFor()
    await right('role')
    await page.goto(`${service.url}/users?factor=yes`)
    await loaded(page)
    await right('people')
    await page.goto(`${service.url}/users/${account.id}`)
    await loaded(page)
    await right('person')
    await page.getByRole('button', { name: /^(Reset second factors|2단계 인증 초기화)$/ }).tap()
    await page.locator('textarea[name=reason]').waitFor()
    await right('reset')
  },
)
