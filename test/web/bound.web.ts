import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { holdBack, until, useBrowser } from '../support/browser.ts'
import { useClientPage } from '../support/client-page.ts'
import { type Embedded, embed } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const BOUND = 'Bound to this device’s key'
const browser = useBrowser()
const app = await useClientPage()
let server: Server
let embedded: Embedded
let site: string

beforeAll(async () => {
  let listener: RequestListener = () => {}
  server = createServer((request, response) => listener(request, response)).listen(0, 'localhost')
  await once(server, 'listening')
  // Proofs are for this address.
  site = `http://localhost:${(server.address() as AddressInfo).port}`
  embedded = await embed({ publicUrl: site, web: true })
  listener = embedded.auth.nodeHandler
})
afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await embedded.close()
})

/** A browser whose person has just registered, on the page with the devices. */
async function registered(page: Page): Promise<string> {
  const email = newAddress()
  await page.goto(`${site}/register`)
  await page.locator('input[name=email]').fill(email)
  await page.locator('input[name=password]').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL(`${site}/account`)
  await page.goto(`${site}/account/devices`)
  await page.getByText('this device', { exact: true }).waitFor()
  return email
}

/** What the scripts of a page can learn of the keys in IndexedDB. */
const keysIn = (page: Page): Promise<{ x: string; extractable: boolean; exported: string[] }[]> =>
  page.evaluate(`new Promise((resolve, reject) => {
    const opening = indexedDB.open('authograph')
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const all = opening.result.transaction('keys').objectStore('keys').getAll()
      all.onsuccess = () => {
        opening.result.close()
        const ways = ['jwk', 'pkcs8', 'raw', 'spki']
        const tried = ({ privateKey }) => Promise.all(ways.map(way =>
          crypto.subtle.exportKey(way, privateKey).then(() => way, error => error.name)))
        Promise.all(all.result.map(async pair => ({
          x: pair.publicKey.x, extractable: pair.privateKey.extractable, exported: await tried(pair),
        }))).then(resolve, reject)
      }
    }
  })`)

/** The names of the operations that a page sends from now on. */
function operationsOf(page: Page): string[] {
  const sent: string[] = []
  page.on('request', request => {
    if (request.url() !== `${site}/graphql`) return
    sent.push(/(?:query|mutation) (\w+)/.exec(request.postData() ?? '')?.[1] ?? 'other')
  })
  return sent
}

test('a sign-in binds the session to a key that no script can export, and that survives a reload', async () => {
  const page = await browser.open()
  await registered(page)
  await page.getByText(BOUND).waitFor()
  const [key, ...others] = await keysIn(page)
  expect(others).toEqual([])
  expect(key).toMatchObject({ extractable: false, exported: Array(4).fill('InvalidAccessError') })
  await page.screenshot({ path: 'test/web/screenshots/devices-bound.png' })
  const sent = operationsOf(page)
  await page.reload()
  await page.getByText(BOUND).waitFor()
  expect(await keysIn(page)).toEqual([key])
  // The nonce for the proof is there before the client asks for it.
  expect(sent.filter(name => name === 'Refresh')).toEqual(['Refresh'])
})

test('the list of people appears before the script of the pages, by one refresh with a proof', async () => {
  const page = await browser.open()
  const email = await registered(page)
  const { app: service } = embedded.auth
  const { id: userId } = await service.db.user.findFirstOrThrow({ where: { email } })
  await service.db.userRole.create({ data: { userId, roleName: 'admin' } })
  const later = await browser.open({ beside: page })
  const sent = operationsOf(later)
  const arrive = await holdBack(later, /\/assets\/(?!early-).*\.js$/)
  await later.goto(`${site}/users`, { waitUntil: 'commit' })
  await until(later, 'globalThis.authographEarlyPeople !== undefined')
  expect(await later.evaluate('globalThis.authographEarlyPeople')).toBe(true)
  await later.locator('tbody').getByText(email).first().waitFor()
  arrive()
  await later.getByRole('combobox', { name: 'Language' }).waitFor()
  await later.goto(`${site}/account/devices`)
  await later.getByText(BOUND).waitFor()
  expect(sent.filter(name => name === 'UserList')).toEqual(['UserList'])
  // Once for each of the two pages.
  expect(sent.filter(name => name === 'Refresh')).toEqual(['Refresh', 'Refresh'])
  expect(
    await service.db.auditEvent.count({ where: { subjectId: userId, action: 'session.copy_refused' } }),
  ).toBe(0)
})

test('a copied cookie gets nothing without the key, and the person stays signed in', async () => {
  const page = await browser.open()
  const email = await registered(page)
  const thief = await browser.open()
  await thief.context().addCookies(await page.context().cookies(site))
  for (const known of [false, true]) {
    // Also as a browser that its person is signed in from, whose refresh begins before the scripts have arrived.
    if (known) await thief.evaluate(`localStorage.setItem('authograph.known', 'yes')`)
    await thief.goto(`${site}/account`)
    await thief.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  }
  expect((await thief.context().cookies(site)).map(({ name }) => name)).toContain('authograph_refresh')
  await page.reload()
  await page.getByText(BOUND).waitFor()
  const { app } = embedded.auth
  const { id: userId } = await app.db.user.findFirstOrThrow({ where: { email } })
  expect(await app.db.session.findMany({ where: { userId } })).toMatchObject([{ revokedAt: null }])
  expect(
    await app.db.auditEvent.count({ where: { subjectId: userId, action: 'session.copy_refused' } }),
  ).toBe(1)
})

test('two tabs share the key, and signing out in one deletes it and signs out the other', async () => {
  const one = await browser.open()
  const email = await registered(one)
  const two = await browser.open({ beside: one })
  await two.goto(`${site}/account/devices`)
  await two.getByText(BOUND).waitFor()
  const [key] = await keysIn(one)
  await Promise.all([one, two].map(page => page.reload()))
  await Promise.all([one, two].map(page => page.getByText(BOUND).waitFor()))
  expect(await keysIn(two)).toEqual([key])
  await one.getByRole('button', { name: email }).click()
  await one.getByRole('menuitem', { name: 'Sign out' }).click()
  await one.waitForURL(`${site}/sign-in`)
  await two.getByText('You were signed out. Sign in again to continue.').waitFor()
  expect(await keysIn(one)).toEqual([])
  await signInOn(two, email, PASSWORD)
  await two.getByText(BOUND).waitFor()
  const [next] = await keysIn(two)
  expect(next?.x).not.toBe(key?.x)
})

test('a browser that has lost its key signs out, says why in the console, and can sign in again', async () => {
  const page = await browser.open()
  const email = await registered(page)
  const warned = page.waitForEvent('console', message => message.text().startsWith('authograph:'))
  await page.evaluate(`new Promise(resolve => {
    const deleting = indexedDB.deleteDatabase('authograph')
    deleting.onsuccess = resolve
  })`)
  const sent = operationsOf(page)
  await page.reload()
  await page.locator('input[name=identifier]').waitFor()
  expect(sent.filter(name => name === 'Refresh')).toHaveLength(1)
  expect((await warned).text()).toContain('no longer has the key')
  await signInOn(page, email, PASSWORD)
  await page.getByText(BOUND).first().waitFor()
})

test('a browser that can keep no key signs in without one', async () => {
  const page = await browser.open()
  await page.addInitScript(`Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })`)
  await registered(page)
  await page.reload()
  await page.getByText('this device', { exact: true }).waitFor()
  expect(await page.getByText(BOUND).count()).toBe(0)
})

test('a page at another origin binds the session of its cookie if it passes a key, and does not by default', async () => {
  let listener: RequestListener = () => {}
  const other = createServer((request, response) => listener(request, response)).listen(0, 'localhost')
  await once(other, 'listening')
  const publicUrl = `http://localhost:${(other.address() as AddressInfo).port}`
  const { auth, close } = await embed({ publicUrl, corsOrigins: [app.origin] })
  listener = auth.nodeHandler
  await app.serve({
    'main.ts': `
      import { createAuthClient, indexedKey } from 'authograph-client'
      const key = location.search === '?key' ? { key: indexedKey('app') } : {}
      globalThis.client = createAuthClient({ url: '${publicUrl}/graphql', ...key })
      globalThis.restored = client.restore()`,
  })
  const page = await browser.open()
  const boundAt = async (search: string) => {
    await page.goto(`${app.origin}/${search}`)
    await until(page, 'globalThis.restored !== undefined')
    return page.evaluate('restored.then(() => client.state.boundToKey)')
  }
  for (const [search, isBound] of [
    ['', false],
    ['?key', true],
  ] as const) {
    await boundAt(search)
    const input = JSON.stringify({ email: newAddress(), password: PASSWORD })
    await page.evaluate(`client.register(${input})`)
    expect(await page.evaluate('client.state.boundToKey')).toBe(isBound)
    expect(await boundAt(search)).toBe(isBound)
    expect(await boundAt(search)).toBe(isBound)
    await page.evaluate('client.logout()')
  }
  other.close()
  other.closeAllConnections()
  await close()
})

test('tabs that create a key at the same moment end up with the same one', async () => {
  await app.serve({
    'main.ts': `
      import { indexedKey } from 'authograph-client'
      const channel = new BroadcastChannel('go')
      channel.onmessage = ({ data: name }) => {
        const again = () => indexedKey(name).create().then(key => key.publicKey.x)
        Promise.all([again(), again(), again()]).then(keys => { globalThis.made[name] = keys })
      }
      globalThis.made = {}`,
  })
  const tabs = [await browser.open()]
  for (let count = 1; count < 3; count++) tabs.push(await browser.open({ beside: tabs[0] as Page }))
  for (const tab of tabs) {
    await tab.goto(app.origin)
    await until(tab, 'globalThis.made !== undefined')
  }
  const conductor = await browser.open({ beside: tabs[0] as Page })
  await conductor.goto(`${app.origin}/?conductor`)
  for (const name of ['one', 'two', 'three', 'four']) {
    await conductor.evaluate(`new BroadcastChannel('go').postMessage('${name}')`)
    for (const tab of tabs) await until(tab, `made.${name} !== undefined`)
    const made = await Promise.all(tabs.map(tab => tab.evaluate(`made.${name}`) as Promise<string[]>))
    expect(new Set(made.flat()).size).toBe(1)
  }
})
