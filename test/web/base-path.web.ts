import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { useBrowser } from '../support/browser.ts'
import { type OidcProvider, startOidcProvider } from '../support/oidc-provider.ts'
import { type Embedded, embed } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const browser = useBrowser()
let oidc: OidcProvider
let server: Server
let embedded: Embedded
let site: string

beforeAll(async () => {
  oidc = await startOidcProvider(['corp'], '/auth')
  const { PROVIDER_CORP_CLIENT_ID: clientId, PROVIDER_CORP_CLIENT_SECRET: clientSecret } = oidc.settings()
  let listener: RequestListener = () => {}
  server = createServer((request, response) => listener(request, response)).listen(0)
  await once(server, 'listening')
  site = `http://localhost:${(server.address() as AddressInfo).port}`
  embedded = await embed({
    publicUrl: `${site}/auth`,
    web: true,
    sandbox: true,
    explorer: 'graphiql',
    providers: [{ id: 'corp', name: 'Corp', issuer: oidc.issuer, clientId, clientSecret, email: 'verified' }],
  })
  listener = embedded.auth.nodeHandler
})
afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await embedded.close()
  await oidc.stop()
})

test('below a path, people register, move through their account, and sign out and in', async () => {
  const page = await browser.open()
  const elsewhere: string[] = []
  page.on('request', request => {
    const { origin, pathname } = new URL(request.url())
    if (origin !== site || !pathname.startsWith('/auth/')) elsewhere.push(request.url())
  })
  await page.goto(`${site}/auth/`)
  await page.waitForURL(`${site}/auth/sign-in`)
  await page.goto(`${site}/auth/register`)
  const email = newAddress()
  await page.locator('input[name=email]').fill(email)
  await page.locator('input[name=password]').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL(`${site}/auth/account`)
  await page.getByRole('link', { name: 'Security' }).click()
  await page.waitForURL(`${site}/auth/account/security`)
  await page.reload()
  await page.getByRole('link', { name: 'Security' }).waitFor()
  expect(await page.locator('[aria-current=page]').count()).toBeGreaterThan(0)
  await page.getByRole('button', { name: email }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(`${site}/auth/sign-in`)
  await signInOn(page, email, PASSWORD)
  await page.waitForURL(`${site}/auth/account`)
  expect(elsewhere).toEqual([])
})

test('below a path, a provider leads back to the page where the way to it began', async () => {
  const page = await browser.open()
  await page.goto(`${site}/auth/sign-in`)
  await page.getByRole('button', { name: 'Continue with Corp' }).click()
  await page.waitForURL(`${oidc.issuer}/**`)
  await page.getByLabel('Account').fill('ada')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(`${site}/auth/account`)
  await page.getByText('ada@example.com').first().waitFor()
})

test('below a path, GraphiQL sends its operations to the endpoint', async () => {
  const page = await browser.open()
  const answered = page.waitForResponse(
    response => response.url() === `${site}/auth/graphql` && response.request().method() === 'POST',
  )
  await page.goto(`${site}/auth/graphql`)
  await page.waitForURL(`${site}/auth/explorer`)
  expect((await answered).status()).toBe(200)
})
