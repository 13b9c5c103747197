import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { PASSWORD, type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { failedMail } from '../support/mails.ts'
import { failedDelivery, isSigned, startReceiver } from '../support/receiver.ts'
import { useService } from '../support/service.ts'
import { basic, newServiceAccount, post } from '../support/service-accounts.ts'
import { linkOf } from '../support/smtp.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on' } })
const browser = useBrowser()
/** Each letter is searched for, while the next one is typed. */
const SLOWER_THAN_SEARCH_MS = 400
const NEW_PASSWORD = 'eighteen copper whistles'

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
  await service.app.db.user.update({ where: { id: admin.id }, data: { displayName: 'Ada Lovelace' } })
})

async function adminAt(path: string): Promise<Page> {
  const page = await browser.open()
  await page.goto(service.url + path)
  await signInOn(page, admin.email, PASSWORD)
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  return page
}

/** A new account with a name, and its page open. */
async function subjectPage(displayName: string): Promise<{ page: Page; subject: SignedIn }> {
  const subject = await signUp(service)
  await service.app.db.user.update({ where: { id: subject.id }, data: { displayName } })
  const page = await adminAt(`/users/${subject.id}/activity`)
  await page.getByRole('heading', { name: displayName, level: 1 }).waitFor()
  return { page, subject }
}

describe('the list of people', () => {
  beforeAll(async () => {
    for (let index = 0; index < 30; index++) {
      const { id } = await signUp(service, { email: `crew${String(index).padStart(2, '0')}@example.com` })
      if (index === 7) await service.app.db.user.update({ where: { id }, data: { disabledAt: new Date() } })
    }
  })

  test('is searched, filtered, ordered and paged, and all of it is in the address', async () => {
    const page = await adminAt('/users')
    await page
      .getByLabel('Search by name or email')
      .pressSequentially('crew', { delay: SLOWER_THAN_SEARCH_MS })
    await page.waitForURL('**/users?search=crew')
    await page.getByRole('button', { name: 'Person' }).click()
    const first = page.locator('tbody tr').first()
    await first.getByText('crew00@example.com').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await first.getByText('crew25@example.com').waitFor()
    expect(new URL(page.url()).searchParams.get('order')).toBe('byName')

    await page.goBack()
    await first.getByText('crew00@example.com').waitFor()
    await page.getByLabel('Status').selectOption('disabled')
    await first.getByText('crew07@example.com').waitFor()
    expect(await page.locator('tbody tr').count()).toBe(1)

    const shared = await browser.open({ beside: page })
    await shared.goto(page.url())
    await shared.locator('tbody tr').first().getByText('crew07@example.com').waitFor()
    expect(await shared.getByLabel('Search by name or email').inputValue()).toBe('crew')
    await page.getByLabel('Search by name or email').fill('no one at all')
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await page.waitForURL(`${service.url}/users`)
    await until(page, "document.querySelector('input[type=search]').value === ''")
  })

  test('is not for everyone', async () => {
    const { email } = await signUp(service)
    const page = await browser.open()
    await page.goto(`${service.url}/users`)
    await signInOn(page, email, PASSWORD)
    await page.getByRole('heading', { name: 'You don’t have access' }).waitFor()
    await page.getByRole('button', { name: 'Go to your account' }).click()
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    expect(await page.getByRole('link', { name: 'People' }).count()).toBe(0)
  })
})

test('an invitation says who sent it, sets a password and signs in', async () => {
  const page = await adminAt('/users')
  await page.getByRole('button', { name: 'Invite' }).click()
  const dialog = page.getByRole('dialog', { name: 'Invite a person' })
  await dialog.getByLabel('support').waitFor()
  expect(await dialog.getByRole('checkbox', { name: 'user' }).isChecked()).toBe(true)
  expect(await violations(page)).toEqual([])
  await page.screenshot({ path: 'test/web/screenshots/invite.png' })
  await dialog.getByLabel('Email address').fill('grace@example.com')
  await dialog.getByLabel('support').check()
  await dialog.getByRole('button', { name: 'Send invitation' }).click()
  await page.getByText('The invitation to grace@example.com is on its way.').waitFor()

  const [mail] = await service.mailsTo('grace@example.com')
  const link = linkOf(mail!)
  const guest = await browser.open()
  await guest.goto(service.url + link.pathname + link.hash)
  await guest.getByRole('heading', { name: 'Welcome to Authograph' }).waitFor()
  await guest.getByText('Ada Lovelace invited you to Authograph.').waitFor()
  expect(await guest.getByLabel('Email address').inputValue()).toBe('grace@example.com')
  await guest.getByLabel('New password').fill(NEW_PASSWORD)
  await guest.getByRole('button', { name: 'Accept invitation' }).click()
  await guest.getByRole('heading', { name: 'My account' }).waitFor()
  await guest.getByRole('link', { name: 'People' }).waitFor()
})

describe('a role', () => {
  const row = (page: Page, name: string) => page.locator('li', { has: page.getByRole('heading', { name }) })

  test('is made, changed and deleted', async () => {
    const page = await adminAt('/roles')
    await page.getByRole('button', { name: 'New role' }).click()
    const making = page.getByRole('dialog', { name: 'New role' })
    await making.getByLabel('Name').fill('support')
    await making.getByLabel('audit:read').check()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/role.png' })
    await making.getByRole('button', { name: 'Save' }).click()
    await making.getByText('A role with this name already exists.').waitFor()
    await making.getByLabel('Name').fill('auditor')
    await making.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Role auditor saved.').waitFor()

    await page.getByRole('button', { name: 'Edit auditor' }).click()
    const changing = page.getByRole('dialog', { name: 'Edit auditor' })
    await changing.getByLabel('Description').fill('Looks at what happened.')
    await changing.getByLabel('users:read').check()
    await changing.getByRole('button', { name: 'Save' }).click()
    await row(page, 'auditor').getByText('Looks at what happened.').waitFor()
    const role = { name: 'auditor', description: 'Looks at what happened.' }
    expect(await service.app.db.role.findUnique({ where: { name: 'auditor' } })).toMatchObject({
      ...role,
      permissions: ['audit:read', 'users:read'],
    })

    await page.getByRole('button', { name: 'Delete auditor' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Role auditor deleted.').waitFor()
    await row(page, 'auditor').waitFor({ state: 'detached' })
  })

  test('that an account has stays, and the page says why', async () => {
    await service.app.db.role.create({ data: { name: 'guide', permissions: [] } })
    await signUpWith(service, 'guide')
    const page = await adminAt('/roles')
    await page.getByRole('button', { name: 'Delete guide' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByText('1 account has this role. Remove it from them first.').waitFor()
  })

  test('that is built-in can only be seen, and so can every one by who may not define them', async () => {
    await service.app.db.role.create({ data: { name: 'clerk', permissions: ['users:read'] } })
    const page = await adminAt('/roles')
    await row(page, 'clerk').getByRole('button', { name: 'Edit clerk' }).waitFor()
    expect(
      await row(page, 'admin')
        .getByRole('button', { name: /Edit|Delete/ })
        .count(),
    ).toBe(0)
    await row(page, 'admin').getByText('built-in').waitFor()

    const { email } = await signUpWith(service, 'support')
    const other = await browser.open()
    await other.goto(`${service.url}/roles`)
    await signInOn(other, email, PASSWORD)
    await row(other, 'clerk').waitFor()
    expect(await other.locator('main').getByRole('button').count()).toBe(0)
  })
})

describe('a service account', () => {
  test('is made, shows its secret once, gets another one, and is deleted', async () => {
    const page = await adminAt('/services')
    await page.getByText('No service accounts').waitFor()
    await page.getByRole('button', { name: 'New service account' }).click()
    const making = page.getByRole('dialog', { name: 'New service account' })
    await making.getByLabel('Name').fill('billing')
    await making.getByLabel('support').check()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/service.png' })
    await making.getByRole('button', { name: 'Create' }).click()
    const shown = page.getByRole('dialog', { name: 'The secret of “billing”' })
    const codes = async () => {
      await shown.locator('code').last().waitFor()
      return shown.locator('code').allTextContents()
    }
    const [id = '', secret = ''] = await codes()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/service-secret.png' })
    const status = async (of: string) =>
      (await post(service, 'token', { grant_type: 'client_credentials' }, basic({ id, secret: of }))).status
    expect(await status(secret)).toBe(200)
    await shown.getByLabel('I’ve stored the secret').check()
    await shown.getByRole('button', { name: 'Done' }).click()
    await page.getByText('The service account “billing” was saved.').waitFor()
    await page.screenshot({ path: 'test/web/screenshots/services.png' })
    expect(await page.content()).not.toContain(secret)

    await page.getByRole('button', { name: 'New secret for billing' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click()
    const [, next = ''] = await codes()
    expect([await status(secret), await status(next)]).toEqual([401, 200])
    await shown.getByLabel('I’ve stored the secret').check()
    await shown.getByRole('button', { name: 'Done' }).click()

    await page.getByRole('button', { name: 'Edit billing' }).click()
    const changing = page.getByRole('dialog', { name: 'Edit billing' })
    await changing.getByLabel('Audiences').fill('authograph\nhttps://api.example.com')
    await changing.getByRole('button', { name: 'Save' }).click()
    await page.getByText('authograph, https://api.example.com').waitFor()

    const pem = () => String(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }))
    const edit = async (change: () => Promise<unknown>) => {
      await page.getByRole('button', { name: 'Edit billing' }).click()
      await change()
      await changing.getByRole('button', { name: 'Save' }).click()
      await changing.waitFor({ state: 'detached' })
      return (await service.app.db.serviceAccount.findUniqueOrThrow({ where: { id } })).publicKeys
    }
    const addKey = () => changing.getByLabel('Add a public key').fill(pem())
    expect(await edit(addKey)).toHaveLength(1)
    expect(await status(next)).toBe(401)
    await page.getByText('signs with a key').waitFor()
    const both = await edit(addKey)
    expect(both).toHaveLength(2)
    const left = await edit(async () => {
      await changing
        .getByRole('checkbox', { name: /^[\w-]{43}$/ })
        .first()
        .uncheck()
      expect(await violations(page)).toEqual([])
      await page.screenshot({ path: 'test/web/screenshots/service-keys.png' })
    })
    expect(left).toEqual((both as unknown[]).slice(1))

    await page.goto(`${service.url}/audit`)
    await page.locator('tbody').getByText('Service account created').waitFor()
    await page.getByText('billing').first().waitFor()
    await page.goto(`${service.url}/services`)
    await page.getByRole('button', { name: 'Delete billing' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('The service account “billing” was deleted.').waitFor()
    expect(await service.app.db.serviceAccount.count()).toBe(0)
  })

  test('fits a phone, in Korean and in the dark', async () => {
    await newServiceAccount(service, admin, {
      name: 'reports',
      roles: ['support'],
      audiences: ['authograph', 'https://api.example.com'],
    })
    const page = await browser.open({
      locale: 'ko-KR',
      colorScheme: 'dark',
      viewport: { width: 375, height: 740 },
    })
    await page.goto(`${service.url}/services`)
    await signInOn(page, admin.email, PASSWORD)
    await page.getByText('reports').first().waitFor()
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await page.screenshot({ path: 'test/web/screenshots/services-ko-dark.png', fullPage: true })
    await page.getByRole('button', { name: '새 서비스 계정' }).click()
    await page.getByRole('dialog').getByLabel('support').waitFor()
    await page.screenshot({ path: 'test/web/screenshots/service-ko-dark.png' })
  })
})

describe('a failed email', () => {
  test('is sent again, unless it would come too late', async () => {
    await failedMail(service, 'bounced@example.com')
    await failedMail(service, 'late@example.com', new Date(Date.now() - 1000))
    const page = await adminAt('/mails')
    await page.locator('tr', { hasText: 'late@example.com' }).getByText('Expired').waitFor()
    await page.getByRole('button', { name: 'Resend to bounced@example.com' }).click()
    await page.getByText('The email to bounced@example.com is queued again.').waitFor()
    await page.locator('tr', { hasText: 'bounced@example.com' }).waitFor({ state: 'detached' })
    expect(await service.mailsTo('bounced@example.com')).toHaveLength(1)
  })

  test('is only seen by who may not change accounts', async () => {
    await failedMail(service, 'seen@example.com')
    const { email } = await signUpWith(service, 'support')
    const page = await browser.open()
    await page.goto(`${service.url}/mails`)
    await signInOn(page, email, PASSWORD)
    await page.locator('tr', { hasText: 'seen@example.com' }).waitFor()
    expect(await page.locator('main').getByRole('button').count()).toBe(0)
  })
})

test('a webhook is created with a secret that is shown once, changed and deleted, and a failed event is sent again', async () => {
  const receiver = await startReceiver()
  const page = await adminAt('/webhooks')
  await page.getByText('No webhooks').waitFor()
  await page.getByRole('button', { name: 'New webhook' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('Required', { exact: true }).waitFor()
  await dialog.getByLabel('Address').fill(receiver.at('/hook'))
  await dialog.getByLabel('Selected events').check()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('Select at least one event.').waitFor()
  await dialog.getByLabel('Account registered', { exact: true }).check()
  await dialog.getByRole('button', { name: 'Save' }).click()
  const secret = (await page.locator('code.secret').textContent()) ?? ''
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
  const { id } = await signUp(service)
  await eventually(() => receiver.to('/hook').length === 1)
  const [message] = receiver.received
  expect(message && isSigned(message, secret)).toBe(true)
  expect(message?.data.subjectId).toBe(id)
  await page.reload()
  await page.getByText(receiver.at('/hook')).waitFor()
  expect(await page.content()).not.toContain(secret)

  await service.app.pool.query('DELETE FROM webhooks')
  const failed = await failedDelivery(service, receiver.at('/failed'))
  await page.reload()
  await page.getByRole('button', { name: /^Send again/ }).click()
  await page.getByText('This webhook is disabled. Enable it first.').waitFor()
  await page.getByRole('button', { name: `Edit ${receiver.at('/failed')}` }).click()
  await page.getByRole('dialog').getByRole('checkbox').last().check()
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: `New secret for ${receiver.at('/failed')}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click()
  await page.locator('code.secret').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('button', { name: /^Send again/ }).click()
  await page.getByText('The event is queued again.').waitFor()
  await page.getByText('No failed deliveries').waitFor()
  await eventually(() => receiver.to('/failed').length === 1)
  expect(receiver.to('/failed')[0]?.id).toBe(failed)
  await page.getByRole('button', { name: `Delete ${receiver.at('/failed')}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('No webhooks').waitFor()
  await receiver.stop()
})

test('a user who can read only the audit log finds no link to other pages', async () => {
  await service.app.db.role.create({ data: { name: 'inspector', permissions: ['audit:read'] } })
  const { email, id } = await signUpWith(service, 'inspector')
  const page = await browser.open()
  await page.goto(`${service.url}/audit?subject=${id}`)
  await signInOn(page, email, PASSWORD)
  await page.locator('tbody tr').first().getByText(id).first().waitFor()
  expect(await page.locator('main a').count()).toBe(0)
})

test('the focus goes back to what opened a dialog', async () => {
  const page = await adminAt('/users')
  await page.getByRole('button', { name: 'Invite' }).click()
  await page.getByRole('dialog', { name: 'Invite a person' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await until(page, "document.activeElement.textContent === 'Invite'")
})

test('the audit log is filtered by what happened, and about whom', async () => {
  const { page, subject } = await subjectPage('Emmy Noether')
  await page.getByRole('link', { name: 'View all in the audit log' }).click()
  await until(page, "document.querySelector('.filters').innerHTML.includes('Emmy Noether')")
  await until(page, "document.querySelectorAll('tbody tr').length === 2")
  await page.getByLabel('Event').selectOption('user.registered')
  await page.waitForURL(`**/audit?subject=${subject.id}&action=user.registered`)
  await page.locator('tbody').getByText('Signed in').waitFor({ state: 'detached' })
  expect(await page.locator('tbody tr').count()).toBe(1)
  await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00')
  await page.getByText('No events').waitFor()
})
