import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { TOTP } from 'otpauth'
import type { Page, Request } from 'playwright-core'
import { newAddress, PASSWORD, type SignedIn, signUpVerified } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { useBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { haveRecoveryCodes, haveTotp, mailedCode } from '../support/factors.ts'
import { useService } from '../support/service.ts'
import { linkOf } from '../support/smtp.ts'
import { connectAuthenticator } from '../support/virtual-authenticator.ts'
import { signInOn } from '../support/web.ts'

const service = useService({
  settings: { WEB: 'on', EMAIL_LOGIN: 'on', FACTOR_RECOVERY_WAIT: '3d', LIMIT_LOGIN_NETWORK: '10000/1h' },
})
const browser = useBrowser()

/** Browsers allow passkeys on localhost, but not on an IP address. */
let site: string
beforeAll(() => {
  site = service.url.replace('127.0.0.1', 'localhost')
  service.app.config.passkeys.origins.push(site)
})

const screenshot = (page: Page, name: string) =>
  page.screenshot({ path: `test/web/screenshots/factors-${name}.png`, fullPage: true })

async function signIn(page: Page, { email }: SignedIn): Promise<void> {
  await page.goto(`${site}/sign-in`)
  await signInOn(page, email, PASSWORD)
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Account menu' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: /Sign in to/ }).waitFor()
}

describe('an authenticator app', () => {
  test('is set up with a QR code and an emailed code, asked for at the next sign-in, and removed', async () => {
    const person = await signUpVerified(service)
    const page = await browser.open()
    await signIn(page, person)
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    service.clock.advance(3600)
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: 'Set up an authenticator app' }).click()
    await page.getByRole('button', { name: 'Begin' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm it’s you' })
    // The password is old by now, too: one dialog asks for both.
    await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await dialog.getByRole('button', { name: 'Email me a code' }).click()
    await dialog.getByText('We emailed you a code').waitFor()
    await dialog.getByLabel('Code from the email').fill(await mailedCode(service, person.email))
    await dialog.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor()
    await screenshot(page, 'qr-code')
    expect(await violations(page)).toEqual([])
    const secret = ((await page.locator('.secret').textContent()) ?? '').replaceAll(' ', '')
    const code = () => new TOTP({ secret }).generate({ timestamp: service.clock.now().getTime() })
    await page.getByLabel('Code', { exact: true }).fill('000000')
    await page.getByRole('button', { name: 'Turn on' }).click()
    await page.getByText('Wrong code.').waitFor()
    await page.getByLabel('Code', { exact: true }).fill(code())
    await page.getByRole('button', { name: 'Turn on' }).click()
    const codes = page.getByRole('list', { name: 'Recovery codes' })
    await codes.waitFor()
    expect(await codes.getByRole('listitem').count()).toBe(10)
    expect(await page.locator(':focus').textContent()).toBe('Recovery codes')
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ])
    const text = await readFile(await saved.path(), 'utf8')
    expect(text).toContain(person.email)
    for (const shown of await codes.getByRole('listitem').allTextContents()) expect(text).toContain(shown)
    await screenshot(page, 'recovery-codes')
    expect(await violations(page)).toEqual([])
    await page.emulateMedia({ media: 'print' })
    expect(await codes.isVisible()).toBe(true)
    // Whose codes they are, and nothing of the page behind them.
    await page.getByText(`${person.email} ·`).waitFor()
    expect(await page.getByRole('heading', { name: 'My account', includeHidden: true }).isVisible()).toBe(
      false,
    )
    expect(await page.getByRole('button', { name: 'Print', includeHidden: true }).isVisible()).toBe(false)
    await screenshot(page, 'recovery-codes-print')
    await page.emulateMedia({ media: 'screen' })
    expect(await page.getByRole('button', { name: 'Done' }).isDisabled()).toBe(true)
    await page.getByLabel('I have stored these codes').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('10 recovery codes left.').waitFor()
    await screenshot(page, 'security')
    expect(await violations(page)).toEqual([])

    await signOut(page)
    service.clock.advance(60)
    await signIn(page, person)
    await page.getByRole('heading', { name: 'One more step' }).waitFor()
    await screenshot(page, 'second-step')
    expect(await violations(page)).toEqual([])
    await page.getByLabel('Code', { exact: true }).fill(code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()

    service.clock.advance(3600)
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: 'Remove the authenticator app' }).click()
    const again = page.getByRole('dialog', { name: 'Confirm it’s you' })
    await again.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await again.getByLabel('Code', { exact: true }).fill(code())
    await again.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'Set up an authenticator app' }).waitFor()
  })

  test('is replaced by a recovery code, after a wrong one', async () => {
    const person = await signUpVerified(service)
    await haveTotp(service, person.id)
    const [code = ''] = await haveRecoveryCodes(service, person.id)
    const page = await browser.open()
    await signIn(page, person)
    await page.getByRole('button', { name: 'Use a recovery code' }).click()
    await page.getByLabel('Recovery code').fill('0000-0000-0000-0000')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('This code is wrong or was already used').waitFor()
    await page.getByLabel('Recovery code').fill(code.toLowerCase())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  })

  test('is not asked for on a trusted device', async () => {
    const person = await signUpVerified(service)
    const app = await haveTotp(service, person.id)
    await service.app.db.user.update({ where: { id: person.id }, data: { secondFactorRequired: false } })
    const page = await browser.open()
    await signIn(page, person)
    await page.getByLabel('Don’t ask on this device for 30 days').check()
    await page.getByLabel('Code', { exact: true }).fill(app.code())
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    await signOut(page)
    await signIn(page, person)
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    await page.goto(`${site}/account/security`)
    await page.getByRole('heading', { name: 'Trusted devices' }).waitFor()
    await page.getByRole('button', { name: 'Stop trusting all devices' }).click()
    await page.getByRole('heading', { name: 'Trusted devices' }).waitFor({ state: 'detached' })
  })
})

describe('passkeys', () => {
  test('are offered after a password sign-in, then sign in by themselves in the address field', async () => {
    const person = await signUpVerified(service)
    const page = await browser.open()
    const authenticator = await connectAuthenticator(page)
    await signIn(page, person)
    await page.getByRole('heading', { name: 'Sign in faster next time' }).waitFor()
    await screenshot(page, 'passkey-offer')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm it’s you' })
    await dialog.getByRole('button', { name: 'Email me a code' }).click()
    await dialog.getByText('We emailed you a code').waitFor()
    expect(await violations(page)).toEqual([])
    expect(await dialog.getByLabel('Password', { exact: true }).count()).toBe(0)
    await dialog.getByLabel('Code from the email').fill(await mailedCode(service, person.email))
    await dialog.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('list', { name: 'Recovery codes' }).waitFor()
    await page.getByLabel('I have stored these codes').check()
    await page.getByRole('button', { name: 'Done' }).click()
    expect(await authenticator.credentials()).toHaveLength(1)
    await signOut(page)
    // The browser's autofill answers without a click.
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  })

  test('sign in with a button, are renamed and removed', async () => {
    const page = await browser.open()
    const authenticator = await connectAuthenticator(page)
    const email = newAddress()
    await page.goto(`${site}/register`)
    await page.getByRole('button', { name: 'Register with a passkey' }).click()
    await page.getByLabel('Email address').fill(email)
    await page.getByRole('button', { name: 'Register with a passkey', exact: true }).first().click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    expect(await authenticator.credentials()).toHaveLength(1)
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: /^Rename / }).click()
    await page.getByLabel('Name', { exact: true }).fill('My laptop')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('My laptop').waitFor()
    await screenshot(page, 'passkeys')
    expect(await violations(page)).toEqual([])
    await authenticator.setPresent(false)
    const begins = (request: Request) => request.postData()?.includes('beginPasskeyLogin') === true
    const offered = page.waitForResponse(response => begins(response.request()))
    await signOut(page)
    await offered
    // Only for the request of the button: otherwise the passkey in the autofill would sign in.
    await page.route('**/graphql', async route => {
      if (begins(route.request())) await authenticator.setPresent(true)
      await route.continue()
    })
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: 'Remove My laptop' }).click()
    await page.getByRole('alert').waitFor()
  })
})

describe('a security key', () => {
  test('is added, required, and touched as the second step', async () => {
    const person = await signUpVerified(service)
    const page = await browser.open()
    const authenticator = await connectAuthenticator(page, { securityKey: true })
    await signIn(page, person)
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: 'Add a security key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm it’s you' })
    await dialog.getByRole('button', { name: 'Email me a code' }).click()
    await dialog.getByText('We emailed you a code').waitFor()
    // The password was entered just now.
    expect(await dialog.getByLabel('Password', { exact: true }).count()).toBe(0)
    await dialog.getByLabel('Code from the email').fill(await mailedCode(service, person.email))
    await dialog.getByRole('button', { name: 'Continue' }).click()
    await page.getByLabel('I have stored these codes').check()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('security key', { exact: true }).waitFor()
    expect(await authenticator.credentials()).toHaveLength(1)
    await page.getByText('Always ask for a second factor').click()
    await page.getByRole('switch', { name: 'Always ask for a second factor', checked: true }).waitFor()
    await screenshot(page, 'security-key')
    expect(await violations(page)).toEqual([])

    await signOut(page)
    await signIn(page, person)
    await page.getByText('Connect your security key, then touch it.').waitFor()
    await screenshot(page, 'security-key-step')
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Use security key' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    const [session] = await service.app.db.session.findMany({
      where: { userId: person.id },
      orderBy: { createdAt: 'desc' },
    })
    expect(session).toMatchObject({ passwordAt: expect.any(Date), keyAt: expect.any(Date), passkeyAt: null })
  })
})

describe('password managers', () => {
  type Signal = [name: string, detail: Record<string, unknown>]

  /** Notes what the page signals; the browser receives it too. */
  async function listen(page: Page): Promise<() => Promise<Signal[]>> {
    await page.addInitScript(() => {
      const signals: Signal[] = JSON.parse(sessionStorage.getItem('signals') ?? '[]')
      const target = PublicKeyCredential as unknown as Record<string, (detail: object) => Promise<void>>
      for (const name of [
        'signalUnknownCredential',
        'signalAllAcceptedCredentials',
        'signalCurrentUserDetails',
      ]) {
        const original = target[name]
        if (!original) throw new Error(`This browser has no ${name}.`)
        target[name] = detail => {
          signals.push([name, { ...detail }])
          sessionStorage.setItem('signals', JSON.stringify(signals))
          return original.call(PublicKeyCredential, detail)
        }
      }
    })
    return () => page.evaluate(() => JSON.parse(sessionStorage.getItem('signals') ?? '[]') as Signal[])
  }

  /** In base64url, as the signals have it. */
  const inBase64Url = (base64 = '') => Buffer.from(base64, 'base64').toString('base64url')

  /** Signals follow their cause without anything that the page shows. */
  async function expectSignals(signals: () => Promise<Signal[]>, expected: unknown[]): Promise<void> {
    await eventually(async () => (await signals()).length >= expected.length)
    expect(await signals()).toEqual(expected)
  }

  test('learn which passkeys exist and what the account is called, and hide a removed one', async () => {
    const page = await browser.open()
    const signals = await listen(page)
    const authenticator = await connectAuthenticator(page)
    const email = newAddress()
    await page.goto(`${site}/register`)
    await page.getByRole('button', { name: 'Register with a passkey' }).click()
    await page.getByLabel('Email address').fill(email)
    await page.getByRole('button', { name: 'Register with a passkey', exact: true }).first().click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    const [held] = await authenticator.credentials()
    const known = { rpId: 'localhost', userId: inBase64Url(held?.userHandle) }
    await page.goto(`${site}/account/security`)
    await page.getByRole('button', { name: /^Rename / }).click()
    await page.getByLabel('Name', { exact: true }).fill('My laptop')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('My laptop').waitFor()
    const renamed = [
      [
        'signalAllAcceptedCredentials',
        { ...known, allAcceptedCredentialIds: [inBase64Url(held?.credentialId)] },
      ],
      ['signalCurrentUserDetails', { ...known, name: email, displayName: email }],
    ]
    await expectSignals(signals, renamed)
    expect(await authenticator.credentials()).toHaveLength(1)

    // Another way in, so that the passkey can be removed.
    const passwordHash = await service.app.hasher.hash(PASSWORD)
    await service.app.db.user.update({ where: { emailCanonical: email }, data: { passwordHash } })
    await page.getByRole('button', { name: 'Remove My laptop' }).click()
    await page.getByText('My laptop').waitFor({ state: 'detached' })
    await expectSignals(signals, [
      ...renamed,
      ['signalAllAcceptedCredentials', { ...known, allAcceptedCredentialIds: [] }],
      ['signalCurrentUserDetails', { ...known, name: email, displayName: email }],
    ])
    expect(await authenticator.credentials()).toEqual([])
  })

  test('learn that a passkey which signs in to no account is unknown', async () => {
    const page = await browser.open()
    const signals = await listen(page)
    const authenticator = await connectAuthenticator(page)
    const email = newAddress()
    await page.goto(`${site}/register`)
    await page.getByRole('button', { name: 'Register with a passkey' }).click()
    await page.getByLabel('Email address').fill(email)
    await page.getByRole('button', { name: 'Register with a passkey', exact: true }).first().click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    const [held] = await authenticator.credentials()
    await service.app.db.user.delete({ where: { emailCanonical: email } })
    await page.goto(`${site}/sign-in`)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    const credentialId = inBase64Url(held?.credentialId)
    await expectSignals(signals, [['signalUnknownCredential', { rpId: 'localhost', credentialId }]])
    expect(await authenticator.credentials()).toEqual([])
  })
})

describe('an email', () => {
  test('signs in by its code where the sign-in began, on a phone with a long address', async () => {
    const person = await signUpVerified(service, { email: newAddress('long'.repeat(8)) })
    const width = 360
    const page = await browser.open({ viewport: { width, height: 740 } })
    await page.goto(`${site}/sign-in`)
    await page.getByRole('link', { name: 'Sign in by email' }).click()
    await page.getByLabel('Email address').fill(person.email)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('heading', { name: 'Check your email' }).waitFor()
    await screenshot(page, 'email-code')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    expect(await violations(page)).toEqual([])
    await page.getByLabel('Code', { exact: true }).fill(await mailedCode(service, person.email))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  })

  test('signs in by its link only after a click', async () => {
    const person = await signUpVerified(service)
    const page = await browser.open()
    await page.goto(`${site}/email-login`)
    await page.getByLabel('Email address').fill(person.email)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('heading', { name: 'Check your email' }).waitFor()
    const mail = (await service.mailsTo(person.email)).at(-1)
    if (!mail) throw new Error('no email')
    const other = await browser.open()
    const link = linkOf(mail)
    await other.goto(site + link.pathname + link.hash)
    await other.getByRole('heading', { name: 'Sign in on this device?' }).waitFor()
    expect(await violations(other)).toEqual([])
    expect(new URL(other.url()).hash).toBe('')
    await other.getByRole('button', { name: 'Sign in on this device' }).click()
    await other.getByRole('heading', { name: 'My account' }).waitFor()
  })
})

test('someone whose role demands a second factor sets one up before the first sign-in', async () => {
  const person = await signUpVerified(service)
  await service.app.db.user.update({ where: { id: person.id }, data: { secondFactorRequired: true } })
  const page = await browser.open()
  await signIn(page, person)
  await page.getByRole('heading', { name: 'Protect your account' }).waitFor()
  expect(await violations(page)).toEqual([])
  await page.getByRole('button', { name: 'Email me a code' }).click()
  await page.getByText('We emailed you a code').waitFor()
  await page.getByLabel('Code', { exact: true }).fill(await mailedCode(service, person.email))
  await page.getByRole('button', { name: 'Next' }).click()
  const secret = ((await page.locator('.secret').textContent()) ?? '').replaceAll(' ', '')
  const code = new TOTP({ secret }).generate({ timestamp: service.clock.now().getTime() })
  await page.getByLabel('Code', { exact: true }).fill(code)
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByLabel('I have stored these codes').check()
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('heading', { name: 'My account' }).waitFor()
})

describe('someone who has lost every second factor', () => {
  /** From the password to the emailed code. */
  async function recover(page: Page, person: SignedIn): Promise<void> {
    await signIn(page, person)
    await page.getByRole('button', { name: 'I’ve lost my second factor' }).click()
    await page.getByRole('heading', { name: 'Recover your account' }).waitFor()
    await page.getByText('This takes 3 days').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Email me a code' }).click()
    await page.getByText('We emailed you a code').waitFor()
    await page.getByLabel('Code', { exact: true }).fill(await mailedCode(service, person.email))
    await page.getByRole('button', { name: 'Continue' }).click()
  }

  test('begins the recovery, sees when it ends, finishes it after that and sets up a new factor', async () => {
    const person = await signUpVerified(service)
    await haveTotp(service, person.id)
    const page = await browser.open()
    await page.clock.setFixedTime(service.clock.now())
    await recover(page, person)
    await page.getByRole('heading', { name: 'The wait has begun' }).waitFor()
    const ready = new Date(service.clock.now().getTime() + 3 * 86_400_000)
    const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' }).format(ready)
    await page.getByText(`You can finish from ${day}`).waitFor()
    await screenshot(page, 'recovery-begun')
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Back to sign-in' }).click()
    await page.getByRole('heading', { name: /Sign in to/ }).waitFor()

    // Too early, nothing is removed, and the wait is not longer.
    service.clock.advance(86_400)
    await page.clock.setFixedTime(service.clock.now())
    await recover(page, person)
    await page.getByText(`You can finish from ${day}`).waitFor()
    await page.getByRole('button', { name: 'Back to sign-in' }).click()
    await signIn(page, person)
    await page.getByRole('heading', { name: 'One more step' }).waitFor()

    service.clock.advance(2 * 86_400 + 1)
    await page.clock.setFixedTime(service.clock.now())
    await recover(page, person)
    await page.getByRole('heading', { name: 'Your second factors were removed' }).waitFor()
    await screenshot(page, 'recovery-done')
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Sign in' }).click()
    await signIn(page, person)
    await page.getByRole('heading', { name: 'Protect your account' }).waitFor()
  })

  test('is warned by an email, whose link cancels the recovery and leads to a new password', async () => {
    const person = await signUpVerified(service)
    await haveTotp(service, person.id)
    const page = await browser.open()
    await recover(page, person)
    await page.getByRole('heading', { name: 'The wait has begun' }).waitFor()
    const mail = (await service.mailsTo(person.email)).at(-1)
    if (!mail) throw new Error('no email')
    const link = linkOf(mail)
    await page.goto(site + link.pathname + link.search + link.hash)
    await page.getByRole('button', { name: 'Cancel the recovery' }).click()
    await page.getByRole('link', { name: 'Set a new password' }).click()
    await page.getByLabel('Email address').waitFor()
    expect(await service.app.db.factorRecovery.count({ where: { userId: person.id } })).toBe(0)
  })

  test('begins nothing with a wrong code, and can go back', async () => {
    const person = await signUpVerified(service)
    await haveTotp(service, person.id)
    const page = await browser.open()
    await signIn(page, person)
    await page.getByRole('button', { name: 'I’ve lost my second factor' }).click()
    await page.getByRole('button', { name: 'Email me a code' }).click()
    await page.getByText('We emailed you a code').waitFor()
    const code = page.getByLabel('Code', { exact: true })
    await code.fill((await mailedCode(service, person.email)) === '000000' ? '000001' : '000000')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('This code is wrong or no longer valid').waitFor()
    expect(await service.app.db.factorRecovery.count({ where: { userId: person.id } })).toBe(0)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'One more step' }).waitFor()
  })
})
