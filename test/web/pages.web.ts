import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import {
  as,
  newAddress,
  PASSWORD,
  type SignedIn,
  signUp,
  signUpVerified,
  signUpWith,
} from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { failedMail, mailedToken } from '../support/mails.ts'
import { failedDelivery } from '../support/receiver.ts'
import { useService } from '../support/service.ts'
import { FIREFOX } from '../support/sessions.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on', LIMIT_LOGIN_NETWORK: '10000/1h' } })
const browser = useBrowser()

const DESKTOP = { width: 1280, height: 860 }
const PHONE = { width: 390, height: 844 }
/** With text of twice the size: WCAG 2.2, 1.4.4. */
const SMALL_PHONE = { width: 375, height: 740 }
/** Of a desktop whose user has zoomed to 400 %: WCAG 2.2, 1.4.10. */
const NARROWEST = { width: 320, height: 740 }
/** Many page loads on few cores. */
const TIMEOUT_MS = 240_000

const people = [
  { displayName: 'Grace Hopper', username: 'grace' },
  { displayName: '김서연', username: 'seoyeon' },
  { displayName: 'Alan Turing', username: null },
  { displayName: null, username: 'rosalind.f' },
  { displayName: '박도윤', username: null },
]

let admin: SignedIn
let someone: SignedIn
/** A valid link to each page, by the page. Opening a link does not use it up. */
let links: Record<string, string>
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
  await service.app.db.user.update({
    where: { id: admin.id },
    data: {
      displayName: 'Ada Lovelace',
      username: 'ada',
      email: 'ada@example.com',
      emailCanonical: 'ada@example.com',
    },
  })
  admin.email = 'ada@example.com'
  for (const [index, names] of people.entries()) {
    const account = await signUp(service, { email: `person${index}@example.com` })
    await service.app.db.user.update({
      where: { id: account.id },
      data: {
        ...names,
        emailVerifiedAt: index < 3 ? new Date() : null,
        disabledAt: index === 4 ? new Date() : null,
      },
    })
    if (index === 0) someone = account
  }
  await service.app.db.session.updateMany({
    where: { userId: someone.id },
    data: { deviceName: 'Safari on iPhone' },
  })
  await service.app.db.user.update({
    where: { id: someone.id },
    data: {
      publicMetadata: { theme: 'dark' },
      privateMetadata: { plan: 'gold', seats: { used: 3, of: 10 } },
    },
  })
  const clerk = { name: 'clerk', description: 'Looks accounts up.', permissions: ['users:read'] }
  await service.app.db.role.create({ data: clerk })
  await failedDelivery(service, 'https://app.example.com/webhooks')
  await failedMail(service, 'grace@example.com')
  await failedMail(service, 'alan@example.com', new Date(Date.now() - 1000))
  await service.send(
    'mutation ($i: LoginInput!) { login(input: $i) { __typename } }',
    {
      i: { identifier: admin.email, password: PASSWORD },
    },
    { headers: { 'user-agent': FIREFOX } },
  )
  links = await requestLinks()
})

async function requestLinks(): Promise<Record<string, string>> {
  const owner = await signUpVerified(service)
  const [newcomer, guest, moved] = [await signUp(service), newAddress(), newAddress()]
  const requests: [document: string, variables: object, actor?: SignedIn][] = [
    ['mutation ($e: String!) { requestPasswordReset(input: { email: $e }) }', { e: owner.email }],
    ['mutation ($e: String!) { requestEmailChange(input: { newEmail: $e }) }', { e: moved }, owner],
    ['mutation ($e: String!) { inviteUser(input: { email: $e }) { id } }', { e: guest }, admin],
  ]
  for (const [document, variables, actor] of requests) {
    const { errors } = await service.send(document, variables, actor ? as(actor) : {})
    expect(errors).toEqual([])
  }
  const recipients = {
    'verify-email': newcomer.email,
    'reset-password': owner.email,
    'accept-invitation': guest,
    'confirm-email': moved,
    'undo-email': owner.email,
  }
  const found = await Promise.all(
    Object.entries(recipients).map(async ([page, to]) => {
      const token = await mailedToken(service, to, page)
      return [page, `/${page}#token=${token}`] as const
    }),
  )
  return Object.fromEntries(found)
}

/** Every page, by what its picture is called. */
const open = (): Record<string, string> => ({
  'sign-in': '/sign-in',
  register: '/register',
  'forgot-password': '/forgot-password',
  // Before the valid links, which the tab remembers.
  'dead-link': '/reset-password#token=x',
  'incomplete-link': '/accept-invitation',
  ...links,
})
const signedIn = (): Record<string, string> => ({
  profile: '/account',
  security: '/account/security',
  devices: '/account/devices',
  data: '/account/data',
  users: '/users',
  'users-none': '/users?search=no-one-has-this-name',
  user: `/users/${someone.id}`,
  'user-devices': `/users/${someone.id}/devices`,
  'user-activity': `/users/${someone.id}/activity`,
  'user-data': `/users/${someone.id}/data`,
  'user-missing': '/users/unknown',
  roles: '/roles',
  audit: '/audit',
  overview: '/overview',
  mails: '/mails',
  webhooks: '/webhooks',
  missing: '/account/no-such-page',
})

const looks = (['en-GB', 'ko-KR'] as const).flatMap(locale =>
  (['light', 'dark'] as const).map(colorScheme => ({ locale, colorScheme })),
)

describe.each(looks)('in $locale, $colorScheme', ({ locale, colorScheme }) => {
  const picture = (name: string) => `test/web/screenshots/${name}-${locale.slice(0, 2)}-${colorScheme}.png`

  async function show(page: Page, pages: Record<string, string>): Promise<string[]> {
    const found: string[] = []
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(service.url + path)
      await settled(page)
      if (name in links) await page.locator('main form button[type=submit]').waitFor()
      await page.screenshot({ path: picture(name), fullPage: true })
      found.push(...(await violations(page)).map(violation => `${path}: ${violation}`))
    }
    return found
  }

  test(
    'every page is right for people with disabilities',
    async () => {
      const page = await browser.open({ locale, colorScheme, viewport: DESKTOP, timezoneId: 'Asia/Seoul' })
      const before = await show(page, open())
      await enter(page)
      const after = await show(page, signedIn())
      expect([...before, ...after]).toEqual([])
    },
    TIMEOUT_MS,
  )
})

describe('on a phone, with names as long as may be', () => {
  let longest: SignedIn
  beforeAll(async () => {
    longest = await signUp(service, { email: `${'z'.repeat(60)}@example.com`, username: 'y'.repeat(32) })
    const { id } = longest
    await service.app.db.user.update({ where: { id }, data: { displayName: 'x'.repeat(100) } })
    await service.app.db.session.updateMany({
      where: { userId: id },
      data: { deviceName: 'w'.repeat(100) },
    })
    await failedMail(service, `${'v'.repeat(60)}@example.com`)
  })

  test.each(['en-GB', 'ko-KR'])(
    'every page fits, in %s',
    async locale => {
      const page = await browser.open({ locale, viewport: PHONE, hasTouch: true })
      const cut: string[] = []
      const look = async (how: string) => cut.push(...(await cutOff(page)).map(what => `${how}: ${what}`))
      const show = async (pages: Record<string, string>) => {
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(service.url + path)
          await settled(page)
          if (name in links) await page.locator('main form button[type=submit]').waitFor()
          await page.screenshot({
            path: `test/web/screenshots/${name}-${locale.slice(0, 2)}-phone.png`,
            fullPage: true,
          })
          await page.setViewportSize(NARROWEST)
          await look(`${path}, narrow`)
          await page.setViewportSize(DESKTOP)
          await page.evaluate("document.documentElement.style.fontSize = '200%'")
          await look(`${path}, large text`)
          await page.setViewportSize(SMALL_PHONE)
          await look(`${path}, large text on a phone`)
          await page.setViewportSize(PHONE)
        }
      }
      await show(open())
      await enter(page)
      await show({ ...signedIn(), 'user-long': `/users/${longest.id}` })
      expect(cut).toEqual([])
    },
    TIMEOUT_MS,
  )
})

/** What does not fit into the width of the page, and what is hidden because it does not fit into its place. */
async function cutOff(page: Page): Promise<string[]> {
  return (await page.evaluate(`[...document.querySelectorAll('html, body *')]
    .filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 2)
    .filter(element => element.tagName === 'HTML' || getComputedStyle(element).overflowX !== 'visible')
    .filter(element => !['INPUT', 'SELECT', 'TEXTAREA'].includes(element.tagName))
    .map(element => element.outerHTML.slice(0, 120))`)) as string[]
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  // What waits for its content, or for its script.
  await until(page, "!document.querySelector('.mantine-Skeleton-root, [aria-busy=true]')")
}

async function enter(page: Page): Promise<void> {
  await page.goto(`${service.url}/sign-in`)
  await signInOn(page, admin.email, PASSWORD)
  await page.waitForURL('**/account')
}
