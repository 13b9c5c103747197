import { expect, test } from '@jest/globals'
import { newAddress, signUpVerified } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { emailedLogin } from '../support/email-login.ts'
import { useService } from '../support/service.ts'

const service = useService({ settings: { WEB: 'on', EMAIL_LOGIN: 'on' } })
const browser = useBrowser()

test.each([
  ['en-GB', 'light', 'Sign in on this device', { width: 1100, height: 800 }],
  ['ko-KR', 'dark', '이 기기에서 로그인', { width: 360, height: 740 }],
] as const)(
  'the link of an email signs in after a click (%s, %s)',
  async (locale, colorScheme, action, viewport) => {
    const { id, email } = await signUpVerified(service)
    const { token } = await emailedLogin(service, email)
    const count = () => service.app.db.session.count({ where: { userId: id } })
    const before = await count()
    const page = await browser.open({ locale, colorScheme, viewport })
    await page.goto(`${service.url}/email-login#token=${token}`)
    const button = page.getByRole('button', { name: action })
    await button.waitFor()
    await page.getByText(email).waitFor()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: `test/web/screenshots/email-login-${locale.slice(0, 2)}.png` })
    expect([page.url(), await count()]).toEqual([`${service.url}/email-login`, before])
    await button.click()
    await until(page, "location.pathname.startsWith('/account')")
    expect(await count()).toBe(before + 1)
  },
)

test('a used link says so and leads back to signing in', async () => {
  const { token } = await emailedLogin(service, newAddress())
  for (let time = 0; time < 2; time++) {
    const page = await browser.open()
    await page.goto(`${service.url}/email-login#token=${token}`)
    if (time === 0) {
      await page.getByRole('button', { name: 'Sign in on this device' }).click()
      await until(page, "location.pathname.startsWith('/account')")
    } else {
      await page.getByText('This link is no longer valid').waitFor()
      await page.screenshot({ path: 'test/web/screenshots/email-login-used.png' })
    }
  }
})
