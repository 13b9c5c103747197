import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, signUp, signUpVerified } from '../support/actors.ts'
import { ALL_PROVIDERS, BRANDS } from '../support/all-providers.ts'
import { violations } from '../support/axe.ts'
import { useBrowser } from '../support/browser.ts'
import { snippetOf, useClientPage } from '../support/client-page.ts'
import { haveTotp } from '../support/factors.ts'
import { startOidcProvider } from '../support/oidc-provider.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const app = await useClientPage()
const oidc = await startOidcProvider(['corp'])
const settings = { WEB: 'on', CORS_ORIGINS: app.origin, SANDBOX: 'off' }
const service = useService({
  settings: {
    ...settings,
    ...oidc.settings(),
    PROVIDER_CORP_NAME: 'Corp',
    PROVIDER_CORP_EMAIL: 'verified',
  },
})
/** Nothing is behind its buttons. */
const branded = useService({ settings: { ...settings, ...ALL_PROVIDERS } })
const browser = useBrowser()

/** Shows what the address asks for: the language, the color scheme and whether to use the styles. */
const MAIN = `
  import { createRoot } from 'react-dom/client'
  import { createAuthClient } from 'authograph-client'
  import { AuthProvider, SignIn, UserButton, english, korean } from 'authograph-client/react'
  import Quick from './quick'
  import styles from 'authograph-client/styles.css?inline'

  const query = new URLSearchParams(location.search)
  const style = document.createElement('style')
  style.textContent = (query.has('plain') ? '' : styles) + ':root { font-family: sans-serif; color-scheme: light dark; background: Canvas; color: CanvasText }'
  document.head.append(style)
  const texts = query.get('lang') === 'ko' ? korean : english
  document.documentElement.lang = query.get('lang') ?? 'en'
  const client = createAuthClient({ url: (query.get('server') ?? 'AUTH') + '/graphql' })
  createRoot(document.getElementById('root')).render(
    query.has('quick') ? <><h1>Quick</h1><Quick /></> :
    <AuthProvider client={client}><h1>App</h1><UserButton texts={texts} /><SignIn texts={texts} /><a href="#next">Next</a></AuthProvider>
  )`

beforeAll(async () => {
  const quick = await snippetOf('src/client/README.md', 'tsx')
  await app.serve({
    'main.tsx': MAIN.replace('AUTH', service.url),
    'quick.tsx': quick.replace('http://localhost:4000', service.url),
  })
  // Where the provider leads back to. http leads back only to localhost.
  Object.assign(service.app.config, { publicUrl: service.url.replace('127.0.0.1', 'localhost') })
}, 60_000)
afterAll(() => oidc.stop())

const fill = async (page: Page, name: string, password: string) => {
  await page.getByLabel('Email address or username').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

test('the first snippet of the README signs in by the server’s page, without a form, and out again', async () => {
  const { email } = await signUp(service, { displayName: 'Ada' })
  const page = await browser.open()
  await page.goto(`${app.origin}/?quick`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.waitForURL(`${service.url}/sign-in?return_to=${encodeURIComponent(`${app.origin}/?quick`)}`)
  await signInOn(page, email, PASSWORD)
  await page.waitForURL(`${app.origin}/?quick`)
  await page.getByRole('button', { name: 'Account of Ada' }).click()
  expect(await page.getByRole('link', { name: 'Manage account' }).getAttribute('href')).toBe(
    `${service.url}/account`,
  )
  await page.reload()
  await page.getByRole('button', { name: 'Account of Ada' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('link', { name: 'Sign in' }).waitFor()
})

describe('<SignIn />', () => {
  test('keeps the name after a wrong password, says so, and selects the password', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await fill(page, email, 'a wrong password')
    await page.getByRole('alert').getByText('Wrong email, username or password.').waitFor()
    expect(await page.getByLabel('Email address or username').inputValue()).toBe(email)
    expect(await page.getByLabel('Password').getAttribute('aria-invalid')).toBe('true')
    expect(await page.evaluate('document.activeElement.name')).toBe('password')
    expect(await page.evaluate('getSelection().toString().length')).toBeGreaterThan(0)
    expect(await violations(page)).toEqual([])
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Account of Ada' }).waitFor()
    expect(await page.getByLabel('Password').count()).toBe(0)
  })

  test('can be used by keyboard alone, and a session without “Stay signed in” ends with the browser', async () => {
    const { email } = await signUp(service)
    const page = await browser.open()
    await page.goto(app.origin)
    await page.getByLabel('Email address or username').focus()
    await page.keyboard.type(email)
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.locator('.authograph-user').waitFor()
    const cookies = await page.context().cookies(service.url)
    expect(cookies.find(({ name }) => name === 'authograph_refresh')).toMatchObject({ expires: -1 })
  })

  test('says that the server cannot be reached, and signs in when it can', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await page.getByLabel('Password').waitFor()
    await page.context().setOffline(true)
    await fill(page, email, PASSWORD)
    await page.getByRole('alert').getByText('The server can’t be reached.').waitFor()
    browser.forgive()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Account of Ada' }).waitFor()
  })
})

/** Presses the button of the provider, and signs in there. */
async function continueWithCorp(page: Page, login: string): Promise<void> {
  await page.getByRole('button', { name: 'Continue with Corp' }).click()
  await page.waitForURL(`${oidc.issuer}/**`)
  await page.getByLabel('Account').fill(login)
  await page.getByRole('button', { name: 'Continue' }).click()
}

describe('the buttons of providers in <SignIn />', () => {
  test('sign in, on the page where they were pressed, and leave no code in its address', async () => {
    await oidc.setClaims('ada', { email: 'ada@corp.example', email_verified: true, name: 'Ada' })
    const page = await browser.open()
    await page.goto(`${app.origin}/?lang=en`)
    await continueWithCorp(page, 'ada')
    await page.getByRole('button', { name: 'Account of Ada' }).waitFor()
    expect(page.url()).toBe(`${app.origin}/?lang=en`)
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  test('lead to the second factor of an account that demands one', async () => {
    await oidc.setClaims('grace', { email: 'grace@corp.example', email_verified: true, name: 'Grace' })
    const first = await browser.open()
    await first.goto(app.origin)
    await continueWithCorp(first, 'grace')
    await first.getByRole('button', { name: 'Account of Grace' }).waitFor()
    const { id } = await service.app.db.user.findFirstOrThrow({ where: { email: 'grace@corp.example' } })
    const authenticator = await haveTotp(service, id)
    const page = await browser.open()
    await page.goto(app.origin)
    await continueWithCorp(page, 'grace')
    await page.getByLabel('Code').fill(authenticator.code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Account of Grace' }).waitFor()
  })

  test('ask for an address that the provider does not answer for', async () => {
    await oidc.setClaims('nora', { email: 'nora@corp.example', email_verified: false, name: 'Nora' })
    const page = await browser.open()
    await page.goto(app.origin)
    await continueWithCorp(page, 'nora')
    expect(await page.getByLabel('Email address', { exact: true }).inputValue()).toBe('nora@corp.example')
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/client-provider-sign-up.png' })
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByRole('button', { name: 'Account of Nora' }).waitFor()
  })

  test('connect the provider to the account that has its address, once its owner has signed in', async () => {
    const person = await signUpVerified(service)
    await oidc.setClaims('kay', { email: person.email, email_verified: true })
    const page = await browser.open()
    await page.goto(app.origin)
    await continueWithCorp(page, 'kay')
    await page.getByText('You already have an account.').waitFor()
    const name = page.getByLabel('Email address or username')
    expect(await name.inputValue()).toBe(person.email)
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/client-provider-link.png' })
    const linked = page.waitForResponse(response =>
      (response.request().postData() ?? '').includes('linkIdentity'),
    )
    await fill(page, person.email, PASSWORD)
    await page.getByRole('button', { name: `Account of ${person.email}` }).waitFor()
    expect((await (await linked).json()).errors).toBeUndefined()
    const identities = await service.app.db.identity.findMany({ where: { userId: person.id } })
    expect(identities).toMatchObject([{ subject: 'kay' }])
  })

  test('say that the person canceled at the provider', async () => {
    const page = await browser.open()
    await page.goto(app.origin)
    await page.getByRole('button', { name: 'Continue with Corp' }).click()
    await page.waitForURL(`${oidc.issuer}/**`)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alert').getByText('was canceled').waitFor()
    expect(page.url()).toBe(`${app.origin}/`)
    await page.reload()
    await page.getByRole('button', { name: 'Continue with Corp' }).waitFor()
    expect(await page.locator('.authograph-problem').textContent()).toBe('')
  })

  test.each([
    ['en', 'light'],
    ['ko', 'dark'],
  ] as const)(
    'have the words and the look that they have on the server’s page: %s %s',
    async (lang, colorScheme) => {
      const viewport = { width: 375, height: 900 }
      const look = (page: Page, selector: string) =>
        page.locator(selector).evaluateAll(buttons =>
          buttons.map(button => {
            const { color, backgroundColor, borderTopColor, fontSize, fontWeight } = getComputedStyle(button)
            return [button.textContent, color, backgroundColor, borderTopColor, fontSize, fontWeight]
          }),
        )
      const locale = lang === 'ko' ? 'ko-KR' : 'en-GB'
      const theirs = await browser.open({ locale, colorScheme, viewport })
      await theirs.goto(`${branded.url}/sign-in`)
      await theirs.getByRole('button', { name: lang === 'ko' ? '더 보기' : 'More ways' }).click()
      const page = await browser.open({ colorScheme, viewport })
      await page.goto(`${app.origin}/?lang=${lang}&server=${branded.url}`)
      await page.locator('.authograph-provider').first().waitFor()
      const ours = await look(page, '.authograph-provider')
      expect(ours).toHaveLength(BRANDS.length + 1)
      // GitLab and a provider of one’s own have no colors that they prescribe.
      const plain = (_: unknown, index: number) => ![6, 10].includes(index)
      expect(ours.filter(plain)).toEqual((await look(theirs, 'button.provider')).filter(plain))
      const wrong = (await violations(page)).filter(
        problem => !/^color-contrast at [^:]*data-brand="line"/.test(problem),
      )
      expect(wrong).toEqual([])
      await page.screenshot({
        path: `test/web/screenshots/client-providers-${lang}-${colorScheme}.png`,
        fullPage: true,
      })
    },
  )
})

describe('<UserButton />', () => {
  test('opens and closes by keyboard, by clicks outside and when the focus leaves', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await fill(page, email, PASSWORD)
    const button = page.getByRole('button', { name: 'Account of Ada' })
    const panel = page.locator('.authograph-panel')
    await button.focus()
    await page.keyboard.press('Enter')
    await panel.getByText(email).waitFor()
    expect(await button.getAttribute('aria-expanded')).toBe('true')
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/client-user-button.png' })
    expect((await panel.boundingBox())?.x).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'hidden' })
    await page.evaluate('document.body.style.direction = "rtl"')
    await page.keyboard.press('Enter')
    const { x = 0, width = 0 } = (await panel.boundingBox()) ?? {}
    expect(x + width).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0)
    await page.keyboard.press('Escape')
    expect(await button.evaluate(element => element === element.ownerDocument.activeElement)).toBe(true)
    await button.click()
    await panel.waitFor()
    await page.getByRole('heading').click()
    await panel.waitFor({ state: 'hidden' })
    await button.click()
    await panel.waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await panel.waitFor({ state: 'hidden' })
  })

  test('says when a sign-out did not reach the server, and tries again', async () => {
    const { email } = await signUp(service, { displayName: 'Ada' })
    const page = await browser.open()
    await page.goto(app.origin)
    await fill(page, email, PASSWORD)
    await page.getByRole('button', { name: 'Account of Ada' }).click()
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('alert').getByText('this device is still signed in').waitFor()
    browser.forgive()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('this device is still signed in').waitFor({ state: 'hidden' })
    await page.reload()
    await page.getByLabel('Password').waitFor()
  })
})

test.each([
  ['', 'en', 'light'],
  ['', 'ko', 'dark'],
  ['&plain', 'ko', 'light'],
] as const)('the components are accessible on a phone: %s %s %s', async (style, lang, colorScheme) => {
  const page = await browser.open({ colorScheme, viewport: { width: 320, height: 640 } })
  await page.goto(`${app.origin}/?lang=${lang}${style}`)
  await page.getByLabel(lang === 'ko' ? '비밀번호' : 'Password').waitFor()
  expect(await violations(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
  const name = `client-sign-in-${lang}-${colorScheme}${style.replace('&', '-')}`
  await page.screenshot({ path: `test/web/screenshots/${name}.png` })
})
