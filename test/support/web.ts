import type { Page } from 'playwright-core'

/** Fills the sign-in form of the page and sends it. */
export async function signInOn(page: Page, identifier: string, password: string): Promise<void> {
  // A page whose session has ended stays in the document, hidden.
  const form = page.locator('form', { has: page.locator('input[name=identifier]') })
  await form.locator('input[name=identifier]').fill(identifier)
  await form.locator('input[name=password]').fill(password)
  await form.locator('button[type=submit]').click()
}
