import { beforeEach, expect, test } from '@jest/globals'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { PASSWORD, type SignedIn, signUpVerified, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { violations } from '../support/axe.ts'
import { useBrowser } from '../support/browser.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on', LIMIT_LOGIN_NETWORK: '10000/1h' } })
const browser = useBrowser()
const PHONE = { width: 375, height: 740 }
const REASON = 'Ticket 4711'

let admin: SignedIn
let person: SignedIn
beforeEach(async () => {
  admin = await signUpWith(service, 'admin')
  person = await signUpVerified(service)
  await service.app.db.user.update({ where: { id: person.id }, data: { displayName: 'Grace' } })
})

async function openAs(viewer: SignedIn, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.open({ timezoneId: 'Asia/Seoul', ...options })
  await page.goto(service.url + path)
  await signInOn(page, viewer.email, PASSWORD)
  await page.locator('.frame-main h1').waitFor()
  return page
}

const fits = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= innerWidth')
const picture = (page: Page, name: string) =>
  page.screenshot({ path: `test/web/screenshots/acting-${name}.png` })

const words = {
  en: { act: 'Act as this person', stop: 'Stop', reason: /^Reason/, bar: 'You’re acting as Grace.' },
  ko: {
    act: '대리 접속',
    stop: '대리 접속 종료',
    reason: /^사유/,
    bar: 'Grace 계정으로 대리 접속 중입니다.',
  },
} as const

test.each([
  ['en', 'light', {}],
  ['ko', 'dark', { viewport: PHONE, locale: 'ko-KR', colorScheme: 'dark' }],
] as const)(
  'an administrator sees the account as the person does, in this tab alone, and comes back: %s, %s',
  async (language, theme, options) => {
    const says = words[language]
    const page = await openAs(admin, `/users/${person.id}`, options)
    await page.getByRole('button', { name: says.act, exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: says.reason }).fill(REASON)
    await picture(page, `ask-${language}-${theme}`)
    expect(await violations(page)).toEqual([])
    await dialog.getByRole('button', { name: says.act, exact: true }).click()

    const bar = page.locator('.acting-bar')
    await bar.getByText(says.bar).waitFor()
    await page.getByText(person.email).first().waitFor()
    expect(new URL(page.url()).pathname).toBe('/account')
    expect(await violations(page)).toEqual([])
    expect(await fits(page)).toBe(true)
    await picture(page, `bar-${language}-${theme}`)

    const other = await page.context().newPage()
    await other.goto(`${service.url}/users/${person.id}`)
    await other.locator('.frame-main h1').waitFor()
    expect(await other.locator('.acting-bar').count()).toBe(0)

    await page.reload()
    await bar.getByText(says.bar).waitFor()
    await bar.getByRole('button', { name: says.stop }).click()
    await page.getByRole('button', { name: says.act, exact: true }).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/users/${person.id}`)
    expect(await bar.count()).toBe(0)
    const events = (await auditOf(service, person.id)).filter(({ actorId }) => actorId === admin.id)
    expect(events.map(({ action }) => action)).toEqual(['user.impersonated', 'session.ended'])
  },
)

test('while acting, the pages offer only what the server accepts', async () => {
  const page = await openAs(admin, `/users/${person.id}`)
  await page.getByRole('button', { name: words.en.act, exact: true }).click()
  await page.getByRole('dialog').getByRole('textbox', { name: words.en.reason }).fill(REASON)
  await page.getByRole('dialog').getByRole('button', { name: words.en.act }).click()
  await page.locator('.acting-bar').waitFor()
  const main = page.locator('.frame-main')
  await main.getByText('Only the owner of the account can do this.').waitFor()
  await main.getByLabel('Name', { exact: true }).fill('Grace Hopper')
  expect(await main.getByLabel('Username').isEditable()).toBe(false)
  await main.getByRole('button', { name: 'Save' }).click()
  await main.getByText('Saved').waitFor()
  expect(await main.locator('button').count()).toBe(1)
  for (const section of ['security', 'devices', 'api-keys', 'data']) {
    await page.goto(`${service.url}/account/${section}`)
    await main.locator('.panel').first().waitFor()
    if (section !== 'devices') await main.getByText('Only the owner of the account can do this.').waitFor()
    else await main.getByText('Administrator acting as this account').waitFor()
    expect([section, await main.locator('button').count()]).toEqual([section, 0])
    expect(await violations(page)).toEqual([])
    await picture(page, section)
  }
})

test('the page comes back to the administrator when the session is over', async () => {
  const page = await openAs(admin, `/users/${person.id}`)
  await page.getByRole('button', { name: words.en.act, exact: true }).click()
  await page.getByRole('dialog').getByRole('textbox', { name: words.en.reason }).fill(REASON)
  await page.getByRole('dialog').getByRole('button', { name: words.en.act }).click()
  await page.locator('.acting-bar').waitFor()
  await service.app.db.session.updateMany({
    where: { userId: person.id, NOT: { actorSessionId: null } },
    data: { revokedAt: service.clock.now() },
  })
  await page.reload()
  await page.getByRole('button', { name: words.en.act, exact: true }).waitFor()
})

test('the person sees the session and the event', async () => {
  await service.send(
    'mutation ($id: ID!, $reason: String!) { impersonateUser(id: $id, reason: $reason) { accessToken } }',
    { id: person.id, reason: REASON },
    { token: admin.accessToken },
  )
  const page = await openAs(person, '/account/devices')
  await page.getByText('Administrator acting as this account').first().waitFor()
  await page.goto(`${service.url}/account/security`)
  await page.getByText('Account opened by an administrator').first().waitFor()
  expect(await page.content()).not.toContain(REASON)
})

test('without users:impersonate, and on their own page, the console offers nothing', async () => {
  const support = await signUpWith(service, 'support')
  const offer = (page: Page) => page.getByRole('button', { name: words.en.act, exact: true }).count()
  expect(await offer(await openAs(support, `/users/${person.id}`))).toBe(0)
  expect(await offer(await openAs(admin, `/users/${admin.id}`))).toBe(0)
})
