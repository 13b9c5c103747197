import { describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { ALL_PROVIDERS, BRANDS } from '../support/all-providers.ts'
import { violations } from '../support/axe.ts'
import { useBrowser } from '../support/browser.ts'
import { useService } from '../support/service.ts'

const service = useService({ settings: { WEB: 'on', EMAIL_LOGIN: 'on', ...ALL_PROVIDERS } })
const browser = useBrowser()

/** What is wrong for people with disabilities, but for the colors that LINE insists on: white on its green. */
const problems = async (page: Page) =>
  (await violations(page)).filter(problem => !/^color-contrast at [^:]*data-brand="line"/.test(problem))

const WORDS = {
  'en-GB': [
    'Continue with Google',
    'Continue with Apple',
    'Login with Kakao',
    'Sign in with NAVER',
    'Sign in with Microsoft',
    'Continue with GitHub',
    'Continue with GitLab',
    'Continue with Discord',
    'Continue with Facebook',
    'Log in with LINE',
    'Continue with Corp',
  ],
  'ko-KR': [
    'Google로 계속하기',
    'Apple로 계속하기',
    '카카오 로그인',
    '네이버 로그인',
    'Microsoft로 로그인',
    'GitHub로 계속하기',
    'GitLab으로 계속하기',
    'Discord로 계속하기',
    'Facebook으로 계속하기',
    'LINE으로 로그인',
    'Corp 계정으로 계속하기',
  ],
}
const MORE = { 'en-GB': 'More ways to sign in', 'ko-KR': '다른 로그인 방법 더 보기' }

describe.each(['en-GB', 'ko-KR'] as const)('in %s', locale => {
  test.each(['light', 'dark'] as const)(
    'each service has its own words and colors when it is %s',
    async colorScheme => {
      const phone = { width: 375, height: 800 }
      const page = await browser.open({ locale, colorScheme, viewport: phone, deviceScaleFactor: 2 })
      const hosts = new Set<string>()
      page.on('request', request => hosts.add(new URL(request.url()).host))
      for (const path of ['sign-in', 'register']) {
        await page.goto(`${service.url}/${path}`)
        const buttons = page.locator('button.provider')
        await buttons.first().waitFor()
        await page.waitForLoadState('networkidle')
        expect(await buttons.allTextContents()).toEqual(WORDS[locale].slice(0, 4))
        await page.screenshot({
          path: `test/web/screenshots/providers-${path}-${locale}-${colorScheme}.png`,
          fullPage: true,
        })
        await page.getByRole('button', { name: MORE[locale] }).click()
        expect(await buttons.allTextContents()).toEqual(WORDS[locale])
        await page.waitForLoadState('networkidle')
        expect(await problems(page)).toEqual([])
      }
      await page.screenshot({
        path: `test/web/screenshots/providers-all-${locale}-${colorScheme}.png`,
        fullPage: true,
      })
      // Each logo has arrived, and no service has heard of the visitor.
      const drawn = await page
        .locator('button.provider img')
        .evaluateAll(
          images =>
            images.filter(image => (image as unknown as { naturalWidth: number }).naturalWidth > 0).length,
        )
      expect(drawn).toBe(BRANDS.length)
      expect([...hosts]).toEqual([new URL(service.url).host])
      const background = (brand: string) =>
        page
          .locator(`button.provider[data-brand=${brand}]`)
          .evaluate(button => getComputedStyle(button).backgroundColor)
      expect(await background('kakao')).toBe('rgb(254, 229, 0)')
      expect(await background('line')).toBe('rgb(6, 199, 85)')
      expect(await background('apple')).toBe(colorScheme === 'light' ? 'rgb(0, 0, 0)' : 'rgb(255, 255, 255)')
      expect(await background('google')).toBe(
        colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(19, 19, 20)',
      )
    },
  )
})
