import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, type SignedIn, signUpVerified } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { useBrowser } from '../support/browser.ts'
import { haveTotp } from '../support/factors.ts'
import { type OidcProvider, startOidcProvider } from '../support/oidc-provider.ts'
import { type Service, startService } from '../support/service.ts'
import { linkOf } from '../support/smtp.ts'
import { signInOn } from '../support/web.ts'

let oidc: OidcProvider
let service: Service
const browser = useBrowser()

/** Providers know where they return people to, and http leads back only to localhost. */
let site: string
beforeAll(async () => {
  oidc = await startOidcProvider(['corp'])
  service = await startService({
    settings: {
      ...oidc.settings(),
      WEB: 'on',
      EMAIL_VERIFICATION: 'required',
      PROVIDER_CORP_NAME: 'Corp',
      PROVIDER_CORP_EMAIL: 'verified',
      LIMIT_LOGIN_NETWORK: '10000/1h',
    },
  })
  site = service.url.replace('127.0.0.1', 'localhost')
  Object.assign(service.app.config, { publicUrl: site })
  service.app.config.web.returnOrigins.push(site)
})
afterAll(async () => {
  await service.close()
  await oidc.stop()
})

const screenshot = (page: Page, name: string) =>
  page.screenshot({ path: `test/web/screenshots/provider-${name}.png`, fullPage: true })

/** At the provider: signs in to an account there, which exists as soon as someone does. */
async function signInAtProvider(page: Page, login: string): Promise<void> {
  await page.waitForURL(`${oidc.issuer}/**`)
  await page.getByLabel('Account').fill(login)
  await page.getByRole('button', { name: 'Continue' }).click()
}

const continueWithCorp = (page: Page) => page.getByRole('button', { name: 'Continue with Corp' }).click()

/** A browser in which someone has just signed in with a provider, for the first time. */
async function signInFresh(login: string): Promise<Page> {
  await oidc.setClaims(login, { email: `${login}@example.com`, email_verified: true, name: login })
  const page = await browser.open()
  await page.goto(`${site}/sign-in`)
  await continueWithCorp(page)
  await signInAtProvider(page, login)
  await page.getByRole('heading', { name: 'My account' }).waitFor()
  return page
}

/** Nothing that a provider or this server has handed out may stay in the address bar or the history. */
function expectCleanAddress(page: Page): void {
  expect(page.url()).not.toMatch(/code|token|error|@/)
}

describe('someone new', () => {
  test('gets an account with one press, and leaves no code in the address', async () => {
    await oidc.setClaims('grace', { email: 'grace@example.com', email_verified: true, name: 'Grace Hopper' })
    const page = await browser.open()
    await page.goto(`${site}/register`)
    await continueWithCorp(page)
    await signInAtProvider(page, 'grace')
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    expectCleanAddress(page)
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Grace Hopper')
    // The session survives a reload, as every other does.
    await page.reload()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  })

  test('confirms the address when the provider does not answer for it', async () => {
    await oidc.setClaims('nora', { email: 'nora@example.com', email_verified: false, name: 'Nora' })
    const page = await browser.open({ viewport: { width: 375, height: 800 } })
    await page.goto(`${site}/sign-in`)
    await continueWithCorp(page)
    await signInAtProvider(page, 'nora')
    await page.getByRole('heading', { name: 'Create your account' }).waitFor()
    expectCleanAddress(page)
    await screenshot(page, 'sign-up')
    expect(await violations(page)).toEqual([])
    // A reload loses nothing.
    await page.reload()
    expect(await page.getByLabel('Email address').inputValue()).toBe('nora@example.com')
    expect(await page.getByLabel('Name').inputValue()).toBe('Nora')
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByRole('heading', { name: 'Check your email' }).waitFor()
    const [mail] = await service.mailsTo('nora@example.com')
    const link = linkOf(mail!)
    // The link opens a tab of its own.
    const tab = await browser.open({ beside: page })
    await tab.goto(site + link.pathname + link.hash)
    await tab.getByRole('button', { name: 'Confirm address' }).click()
    await tab.getByRole('link', { name: 'Go to sign-in' }).click()
    await continueWithCorp(tab)
    await tab.getByRole('heading', { name: 'My account' }).waitFor()
    expect(await tab.getByText('nora@example.com').count()).toBeGreaterThan(0)
  })
})

test('two tabs of one browser that begin before either ends both sign in', async () => {
  await oidc.setClaims('tabs', { email: 'tabs@example.com', email_verified: true })
  const first = await browser.open()
  const second = await browser.open({ beside: first })
  for (const page of [first, second]) {
    await page.goto(`${site}/sign-in`)
    await continueWithCorp(page)
    await page.waitForURL(`${oidc.issuer}/**`)
  }
  for (const page of [second, first]) {
    await signInAtProvider(page, 'tabs')
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  }
  const cookies = await first.context().cookies(site)
  expect(cookies.filter(({ name }) => name.includes('flow'))).toEqual([])
})

describe('someone who has an account', () => {
  test('goes back to the page where the sign-in began', async () => {
    await oidc.setClaims('back', { email: 'back@example.com', email_verified: true })
    const page = await browser.open()
    await page.goto(`${site}/account/devices`)
    await continueWithCorp(page)
    await signInAtProvider(page, 'back')
    await page.waitForURL(`${site}/account/devices`)
    await page.getByRole('link', { name: 'Devices' }).waitFor()
  })

  test('is asked for the second factor after the provider', async () => {
    await signInFresh('careful')
    const { id } = await service.app.db.user.findFirstOrThrow({ where: { email: 'careful@example.com' } })
    const app = await haveTotp(service, id)
    const page = await browser.open()
    await page.goto(`${site}/sign-in`)
    await continueWithCorp(page)
    await signInAtProvider(page, 'careful')
    await page.getByRole('heading', { name: 'One more step' }).waitFor()
    await page.getByLabel('Code', { exact: true }).fill(app.code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  })
})

/** An account with a password and a verified address. */
async function withPassword(): Promise<SignedIn> {
  const { config } = service.app
  Object.assign(config, { emailVerification: 'optional' })
  const person = await signUpVerified(service)
  Object.assign(config, { emailVerification: 'required' })
  return person
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Account menu' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: /Sign in to/ }).waitFor()
}

describe('an account with a password', () => {
  test('is connected with a provider, which then signs in, and disconnected', async () => {
    const person = await withPassword()
    const page = await browser.open()
    await page.goto(`${site}/account/security`)
    await signInOn(page, person.email, PASSWORD)
    await page.getByRole('button', { name: 'Connect Corp', exact: true }).click()
    await signInAtProvider(page, 'connected')
    await page.getByText('Corp is connected.').waitFor()
    expectCleanAddress(page)
    await page.getByRole('button', { name: 'Disconnect Corp' }).waitFor()
    await screenshot(page, 'connected')
    expect(await violations(page)).toEqual([])
    await signOut(page)
    await continueWithCorp(page)
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: 'Disconnect Corp' }).click()
    await page.getByRole('button', { name: 'Connect Corp', exact: true }).waitFor()
  })

  test('is signed in to once, in Korean on a phone, when the provider knows only its address', async () => {
    const person = await withPassword()
    await oidc.setClaims('same-address', { email: person.email, email_verified: true })
    const page = await browser.open({ locale: 'ko-KR', viewport: { width: 375, height: 800 } })
    await page.goto(`${site}/sign-in`)
    await page.getByRole('button', { name: 'Corp 계정으로 계속하기' }).click()
    await signInAtProvider(page, 'same-address')
    await page.getByRole('heading', { name: 'Corp 계정 연결' }).waitFor()
    expect(await page.getByLabel('이메일 주소 또는 사용자 이름').inputValue()).toBe(person.email)
    expectCleanAddress(page)
    await screenshot(page, 'connect')
    expect(await violations(page)).toEqual([])
    await signInOn(page, person.email, PASSWORD)
    await page.getByText('Corp 계정을 연결했습니다.').waitFor()
    await page.getByRole('button', { name: 'Corp 연결 해제' }).waitFor()
    await screenshot(page, 'connected-ko')
  })
})

test('someone without a password confirms an export with the provider, and comes back to it', async () => {
  const page = await signInFresh('exporter')
  // The provider goes by its own clock.
  const longAgo = new Date(service.clock.now().getTime() - 3_600_000)
  const { id } = await service.app.db.user.findFirstOrThrow({ where: { email: 'exporter@example.com' } })
  await service.app.db.session.updateMany({
    where: { userId: id },
    data: { authenticatedAt: longAgo, providerAt: longAgo },
  })
  await page.goto(`${site}/account/data`)
  const download = page.getByRole('button', { name: 'Download' })
  await download.click()
  const dialog = page.getByRole('dialog', { name: 'Confirm it’s you' })
  await dialog.getByRole('button', { name: 'Continue with Corp' }).waitFor()
  await screenshot(page, 'confirm')
  expect(await violations(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Continue with Corp' }).click()
  await signInAtProvider(page, 'exporter')
  await page.waitForURL(`${site}/account/data`)
  await page.getByText('You confirmed it’s you.').waitFor()
  const saved = page.waitForEvent('download')
  await download.click()
  expect((await saved).suggestedFilename()).toBe('account.json')
})

describe('a sign-in that does not work out', () => {
  test('says so when the person cancels at the provider, and leads back to the form', async () => {
    const page = await browser.open()
    await page.goto(`${site}/sign-in`)
    await continueWithCorp(page)
    await page.waitForURL(`${oidc.issuer}/**`)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'You’re not signed in with Corp' }).waitFor()
    await page.getByRole('alert').getByText('canceled').waitFor()
    expectCleanAddress(page)
    await screenshot(page, 'denied')
    expect(await violations(page)).toEqual([])
    await page.getByRole('link', { name: 'Go back' }).click()
    await page.getByRole('button', { name: 'Continue with Corp' }).waitFor()
  })

  test.each([
    ['en-GB', 'You’re not signed in', 'Go back'],
    ['ko-KR', '로그인을 완료하지 못했습니다', '돌아가기'],
  ])(
    'says what to do when the provider leads back to a sign-in that is unknown here: %s',
    async (locale, title, back) => {
      const page = await browser.open({ locale, colorScheme: 'dark', viewport: { width: 375, height: 800 } })
      await page.goto(`${site}/sign-in/callback/corp?code=x&state=unknown`)
      await page.getByRole('heading', { name: title }).waitFor()
      expectCleanAddress(page)
      await screenshot(page, `unknown-state-${locale}`)
      expect(await violations(page)).toEqual([])
      await page.getByRole('link', { name: back }).click()
      await page.waitForURL(`${site}/sign-in`)
      await page.locator('button.provider').waitFor()
    },
  )

  test('does not go on in another browser', async () => {
    const page = await browser.open()
    await page.goto(`${site}/sign-in`)
    await page.route('**/sign-in/callback/**', route => route.abort())
    await continueWithCorp(page)
    await page.waitForURL(`${oidc.issuer}/**`)
    const callback = page.waitForRequest('**/sign-in/callback/**')
    await page.getByLabel('Account').fill('victim')
    await page.getByRole('button', { name: 'Continue' }).click()
    const stolen = (await callback).url()
    browser.forgive()
    const other = await browser.open()
    await other.goto(stolen)
    await other.getByRole('heading', { name: 'You’re not signed in' }).waitFor()
    expectCleanAddress(other)
  })
})
