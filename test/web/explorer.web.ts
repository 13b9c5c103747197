import { expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { explorerDocument } from '../../src/graphql/explorer.ts'
import { until, useBrowser } from '../support/browser.ts'
import { startService, useService } from '../support/service.ts'

const service = useService({ settings: { WEB: 'off', SANDBOX: 'on', INTROSPECTION: 'on' } })
const browser = useBrowser()

/** A tab without internet access: this server answers, every other host refuses. */
async function openOffline(): Promise<Page> {
  const page = await browser.open()
  await page.route(
    url => url.hostname !== 'localhost',
    route => route.abort('internetdisconnected'),
  )
  return page
}

async function runOperation(page: Page, name: string): Promise<void> {
  // The button offers the operations once the editor has read the document.
  await page.locator('button[aria-haspopup="menu"].graphiql-execute-button').click()
  await page.getByRole('menuitem', { name }).click()
}

test('GraphiQL opens without internet access, with the examples, and runs them', async () => {
  const page = await openOffline()
  await page.goto(`${service.url}/explorer`)
  await page.getByText('mutation', { exact: true }).first().waitFor()
  const shown = await page.evaluate<string>("document.querySelector('.CodeMirror').CodeMirror.getValue()")
  expect(shown).toBe(explorerDocument)
  await runOperation(page, 'Register')
  await page.locator('.result-window').getByText('"accessToken"').waitFor()
  // The cookie of the first operation carries the session of the next.
  await runOperation(page, 'Refresh')
  await page.locator('.result-window').getByText('"refreshToken"').waitFor()
  await page.locator('.result-window').getByText('"accessTokenExpiresAt"').waitFor()
})

test('nothing that is typed into GraphiQL stays in the storage of the browser', async () => {
  const page = await openOffline()
  await page.goto(`${service.url}/explorer`)
  await page.getByText('mutation', { exact: true }).first().waitFor()
  await page.evaluate(
    'document.querySelectorAll(\'.CodeMirror\')[2].CodeMirror.setValue(\'{ "Authorization": "Bearer secret-token" }\')',
  )
  await runOperation(page, 'Me')
  await page.locator('.result-window').getByText('UNAUTHENTICATED').waitFor()
  // A token that is no token: the header was sent.
  await page.locator('.result-window').getByText('INVALID').waitFor()
  expect(await page.evaluate('[localStorage.length, sessionStorage.length]')).toEqual([0, 0])
})

test('Sandbox without internet access gives way to GraphiQL', async () => {
  const page = await openOffline()
  await page.goto(`${service.url}/graphql`)
  await until(page, "location.pathname === '/explorer'")
  // That Sandbox could not load is logged by the browser.
  browser.forgive()
})

test('each explorer leads to the other', async () => {
  const page = await browser.open()
  // Sandbox's scripts, without the internet.
  await page.route(
    url => url.hostname !== 'localhost',
    route => route.fulfill({ contentType: 'text/javascript', body: 'window.EmbeddedSandbox = class {}' }),
  )
  await page.goto(`${service.url}/explorer`)
  await page.getByRole('link', { name: 'Open Apollo Sandbox' }).click()
  await page.getByRole('link', { name: 'Open GraphiQL' }).click()
  await until(page, "location.pathname === '/explorer'")
})

test('with EXPLORER=graphiql, /graphql opens GraphiQL, and Sandbox is a link away', async () => {
  const graphiql = await startService({ settings: { SANDBOX: 'on', EXPLORER: 'graphiql' } })
  try {
    const headers = { accept: 'text/html' }
    expect((await fetch(`${graphiql.url}/graphql`, { headers })).url).toBe(`${graphiql.url}/explorer`)
    const sandbox = await fetch(`${graphiql.url}/graphql?explorer=sandbox`, { headers })
    expect(await sandbox.text()).toContain('new window.EmbeddedSandbox(')
  } finally {
    await graphiql.close()
  }
})

test('without SANDBOX there is no explorer', async () => {
  const closed = await startService({ settings: { SANDBOX: 'off' } })
  expect((await fetch(`${closed.url}/explorer`)).status).toBe(404)
  await closed.close()
})
