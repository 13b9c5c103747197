import type { Page } from 'playwright-core'

/** Fills the sign-in form of the page and sends it. */
export async function signInOn(page: Page, identifier: string, password: string): Promise<void> {
  await page.locator('input[name=identifier]').fill(identifier)
  await page.locator('input[name=password]').fill(password)
  await page.locator('button[type=submit]').last().click()
}
