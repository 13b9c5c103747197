import { beforeAll, describe, expect, test } from '@jest/globals'
import type { BrowserContextOptions, Page } from 'playwright-core'
import {
  as,
  newAddress,
  PASSWORD,
  type SignedIn,
  signIn,
  signUp,
  signUpVerified,
  signUpWith,
} from '../support/actors.ts'
import { violations } from '../support/axe.ts'
import { until, useBrowser } from '../support/browser.ts'
import { mailedToken, templatesTo } from '../support/mails.ts'
import { InviteUser, SetUserRoles, UpdateUser } from '../support/operations.ts'
import { codes, useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on' } })
const browser = useBrowser()
const PHONE = { width: 375, height: 740 }

let admin: SignedIn
let other: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
  other = await signUpWith(service, 'admin')
  await service.app.db.user.update({ where: { id: admin.id }, data: { displayName: 'Ada Lovelace' } })
})

async function openAs(viewer: SignedIn, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.open(options)
  await page.goto(service.url + path)
  await signInOn(page, viewer.email, PASSWORD)
  await page.locator('.frame-nav').waitFor()
  return page
}

/** A new account with a name, and its page open. */
async function subjectPage(
  displayName: string,
  { tab = '', ...options }: { tab?: string } & BrowserContextOptions = {},
): Promise<{ page: Page; subject: SignedIn }> {
  const subject = await signUp(service)
  await service.app.db.user.update({ where: { id: subject.id }, data: { displayName } })
  const page = await openAs(admin, `/users/${subject.id}${tab}`, options)
  await page.getByRole('heading', { name: displayName, level: 1 }).waitFor()
  return { page, subject }
}

async function invitedPage(): Promise<{ page: Page; id: string; email: string }> {
  const email = newAddress()
  const { data } = await service.send(
    InviteUser,
    { input: { email, displayName: 'Grace Hopper' } },
    as(admin),
  )
  const id = data?.inviteUser.id ?? ''
  const page = await openAs(admin, `/users/${id}`)
  await page.getByRole('heading', { name: 'Grace Hopper', level: 1 }).waitFor()
  return { page, id, email }
}

const userOf = (id: string) => service.app.db.user.findUniqueOrThrow({ where: { id } })
const rolesOf = async (userId: string) =>
  (await service.app.db.userRole.findMany({ where: { userId }, orderBy: { roleName: 'asc' } })).map(
    ({ roleName }) => roleName,
  )
const region = (page: Page, name: string) => page.getByRole('region', { name })
const save = (page: Page, name: string) => region(page, name).getByRole('button', { name: 'Save' }).click()
const otherChanges = async (id: string, input: object) =>
  expect(codes(await service.send(UpdateUser, { id, input }, as(other)))).toEqual([])

describe('the profile of a person', () => {
  test('is edited: name, username, address and language, and the new address is not confirmed', async () => {
    const { page, subject } = await subjectPage('Alan Turing')
    const profile = region(page, 'Profile')
    const email = newAddress()
    await profile.getByLabel('Name', { exact: true }).fill('앨런 튜링')
    await profile.getByLabel('Username').fill('Alan')
    await profile.getByLabel('Email address').fill(email)
    await profile.getByLabel('Language').selectOption('ko')
    await profile.getByRole('button', { name: 'Save' }).press('Enter')
    await page.getByText(`Saved. We sent a link to ${email}.`).waitFor()
    expect(await userOf(subject.id)).toMatchObject({
      displayName: '앨런 튜링',
      username: 'alan',
      email,
      emailVerifiedAt: null,
      locale: 'ko',
    })
    await page.getByRole('heading', { name: '앨런 튜링', level: 1 }).waitFor()
    expect(await profile.getByLabel('Username').inputValue()).toBe('alan')
    await until(page, "document.activeElement.textContent === 'Save'")
    await profile.getByLabel('Username').fill('')
    await profile.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect((await userOf(subject.id)).username).toBeNull()
  })

  test('keeps what was typed when the server refuses it, and says why at the field', async () => {
    const taken = await signUp(service, { username: 'taken-name' })
    const { page, subject } = await subjectPage('Joan Clarke')
    const profile = region(page, 'Profile')
    await profile.getByLabel('Username').fill('taken-name')
    await save(page, 'Profile')
    await profile.getByText('This username is taken. Choose another.').waitFor()
    await profile.getByLabel('Username').fill('')
    await profile.getByLabel('Email address').fill(taken.email)
    await save(page, 'Profile')
    await profile.getByText('This email address already has an account.').waitFor()
    await until(page, "document.activeElement.name === 'email'")
    expect(await profile.getByLabel('Email address').inputValue()).toBe(taken.email)
    await profile.getByLabel('Email address').fill('no address')
    await save(page, 'Profile')
    await profile.getByText('Enter a valid email address').waitFor()
    expect((await userOf(subject.id)).email).toBe(subject.email)
  })

  test('overwrites no change that another administrator made meanwhile: it says what changed, and what was typed stays', async () => {
    const { page, subject } = await subjectPage('Mary Somervile')
    const name = region(page, 'Profile').getByLabel('Name', { exact: true })
    await otherChanges(subject.id, { displayName: 'Mary Somerville' })
    await name.fill('Mary S.')
    await save(page, 'Profile')
    await page.getByText('Name: now “Mary Somerville”').waitFor()
    expect((await userOf(subject.id)).displayName).toBe('Mary Somerville')
    expect(await name.inputValue()).toBe('Mary S.')
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/person-conflict.png', fullPage: true })

    await page.getByRole('button', { name: 'Use the current values' }).press('Enter')
    await until(page, "document.activeElement.textContent === 'Save'")
    expect(await name.inputValue()).toBe('Mary Somerville')
    await otherChanges(subject.id, { displayName: 'M. Somerville' })
    await name.fill('Mary Fairfax')
    await save(page, 'Profile')
    await page.getByText('Name: now “M. Somerville”').waitFor()
    await save(page, 'Profile')
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect((await userOf(subject.id)).displayName).toBe('Mary Fairfax')
  })

  test('is saved beside a change of another field, which stays', async () => {
    const { page, subject } = await subjectPage('Hedy Lamar')
    await otherChanges(subject.id, { locale: 'ko', privateMetadata: { plan: 'gold' } })
    await region(page, 'Profile').getByLabel('Name', { exact: true }).fill('Hedy Lamarr')
    await save(page, 'Profile')
    await page.getByText('Saved.', { exact: true }).waitFor()
    expect(await userOf(subject.id)).toMatchObject({
      displayName: 'Hedy Lamarr',
      locale: 'ko',
      privateMetadata: { plan: 'gold' },
    })
    expect(await region(page, 'Profile').getByLabel('Language').inputValue()).toBe('ko')
  })
})

describe('roles', () => {
  test('are given and taken', async () => {
    const { page, subject } = await subjectPage('Emmy Noether')
    await page.getByLabel('support').check()
    await save(page, 'Roles')
    await page.getByText('Roles updated.').waitFor()
    expect(await rolesOf(subject.id)).toEqual(['support', 'user'])
  })

  test('that another administrator took away are not given back unseen', async () => {
    const subject = await signUpWith(service, 'support')
    const page = await openAs(admin, `/users/${subject.id}`)
    await page.getByLabel('support').waitFor()
    const change = { id: subject.id, roles: ['user'] }
    expect(codes(await service.send(SetUserRoles, change, as(other)))).toEqual([])
    await page.getByLabel('admin').check()
    await save(page, 'Roles')
    await page.getByText('Roles: now “user”').waitFor()
    expect(await rolesOf(subject.id)).toEqual(['user'])
    await page.getByRole('button', { name: 'Use the current values' }).click()
    expect(await page.getByLabel('support').isChecked()).toBe(false)
    expect(await page.getByLabel('admin').isChecked()).toBe(false)
  })

  test('of one’s own as administrator are removed only after a question', async () => {
    const self = await signUpWith(service, 'admin')
    const page = await openAs(self, `/users/${self.id}`)
    await page.getByLabel('admin').uncheck()
    await save(page, 'Roles')
    const dialog = page.getByRole('dialog', { name: 'Remove your own role admin?' })
    await dialog.waitFor()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/person-own-role.png' })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await rolesOf(self.id)).toEqual(['admin', 'user'])
    await save(page, 'Roles')
    await dialog.getByRole('button', { name: 'Remove my role' }).click()
    await page.getByRole('heading', { name: 'You don’t have access' }).waitFor()
    expect(await rolesOf(self.id)).toEqual(['user'])
  })

  test('of the last administrator stay, and the page says why', async () => {
    const holders = { roleName: 'admin', userId: { not: admin.id } }
    const rest = await service.app.db.userRole.findMany({ where: holders })
    await service.app.db.userRole.deleteMany({ where: holders })
    try {
      const page = await openAs(admin, `/users/${admin.id}`)
      await page.getByLabel('admin').uncheck()
      await save(page, 'Roles')
      await page.getByRole('button', { name: 'Remove my role' }).click()
      await page.getByText('This is the last administrator.').first().waitFor()
      expect(await rolesOf(admin.id)).toEqual(['admin', 'user'])
    } finally {
      await service.app.db.userRole.createMany({ data: rest })
    }
  })
})

describe('what an administrator does for a person', () => {
  test('an address is marked as confirmed', async () => {
    const { page, subject } = await subjectPage('Katherine Johnson')
    await page.locator('.tag', { hasText: 'Not confirmed' }).waitFor()
    await page.getByRole('button', { name: 'Mark as confirmed' }).press('Enter')
    await page.getByText('The address is confirmed.').waitFor()
    await page.locator('.tag', { hasText: 'Active' }).waitFor()
    expect((await userOf(subject.id)).emailVerifiedAt).not.toBeNull()
    expect(await page.getByRole('button', { name: 'Mark as confirmed' }).count()).toBe(0)
    // The button is gone, and the keyboard continues from the message.
    await until(page, "document.activeElement.textContent === 'The address is confirmed.'")
  })

  test('an address that was replaced meanwhile is not confirmed', async () => {
    const { page, subject } = await subjectPage('Dorothy Vaughan')
    await otherChanges(subject.id, { email: newAddress() })
    await page.getByRole('button', { name: 'Mark as confirmed' }).click()
    await page.getByText('Someone changed this account after you opened it').waitFor()
    expect((await userOf(subject.id)).emailVerifiedAt).toBeNull()
  })

  test('a link to set a new password is sent, and the page does not show it', async () => {
    const { page, subject } = await subjectPage('Annie Easley')
    await page.getByRole('button', { name: 'Send password reset' }).click()
    await page.getByText(`We sent a link to set a new password to ${subject.email}.`).waitFor()
    const token = await mailedToken(service, subject.email, 'reset-password')
    expect(await page.content()).not.toContain(token)
    expect(await stateOf(service, subject.accessToken)).toBe('LIVE')
  })

  test('an invitation is sent again, and invited people are not shown as merely unconfirmed', async () => {
    const { page, email } = await invitedPage()
    await page.locator('.tag', { hasText: 'Invited' }).waitFor()
    await page.getByText('The owner hasn’t accepted yet.').waitFor()
    expect(await page.getByRole('button', { name: 'Send password reset' }).count()).toBe(0)
    await page.screenshot({ path: 'test/web/screenshots/person-invited.png', fullPage: true })
    await page.getByRole('button', { name: 'Resend invitation' }).click()
    await page.getByText(`We sent another invitation to ${email}.`).waitFor()
    expect(await templatesTo(service, email)).toEqual(['invitation', 'invitation'])
  })

  test('an account is disabled with a reason, which its page shows from then on, and enabled again', async () => {
    const { page, subject } = await subjectPage('Grete Hermann')
    await page.getByRole('button', { name: 'Disable' }).click()
    const dialog = page.getByRole('dialog', { name: 'Disable Grete Hermann?' })
    await dialog.getByLabel('Reason').fill('left the company')
    await dialog.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('The account is disabled').waitFor()
    expect(await stateOf(service, subject.accessToken)).not.toBe('LIVE')
    const support = await openAs(await signUpWith(service, 'support'), `/users/${subject.id}`)
    await support.getByText('Reason: left the company').waitFor()
    await page.reload()
    await page.getByText('Reason: left the company').waitFor()
    await page.screenshot({ path: 'test/web/screenshots/person-disabled.png', fullPage: true })
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('The account is enabled.').waitFor()
    await page.getByText('left the company').waitFor({ state: 'detached' })
  })

  test('one session ends, and the others continue', async () => {
    const { page, subject } = await subjectPage('Sophie Germain', { tab: '/devices' })
    const second = await signIn(service, subject.email)
    const sessions = service.app.db.session
    await sessions.update({ where: { id: second.sessionId }, data: { deviceName: 'A stolen phone' } })
    await page.reload()
    await page.getByRole('button', { name: 'Sign out A stolen phone' }).press('Enter')
    await page.getByText('A stolen phone was signed out.').waitFor()
    expect(await stateOf(service, second.accessToken)).toBe('REVOKED')
    expect(await stateOf(service, subject.accessToken)).toBe('LIVE')
    await until(page, "document.activeElement.textContent === 'A stolen phone was signed out.'")
  })

  test('an API key that leaked is deleted', async () => {
    const person = await signUpVerified(service)
    const { data } = await service.send<{ createApiKey: { secret: string } }, object>(
      'mutation { createApiKey(input: { name: "Nightly report", permissions: [] }) { secret } }',
      {},
      as(person),
    )
    const page = await openAs(admin, `/users/${person.id}/devices`)
    await page.getByRole('button', { name: 'Delete Nightly report' }).click()
    await page.getByText('The API key “Nightly report” was deleted.').waitFor()
    await page.getByText('No API keys.').waitFor()
    expect(await stateOf(service, data?.createApiKey.secret)).toBe('REVOKED')
  })

  test('all sessions end', async () => {
    const { page, subject } = await subjectPage('Ada Yonath', { tab: '/devices' })
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByText('1 device was signed out.').waitFor()
    await page.getByText('Not signed in anywhere.').waitFor()
    expect(await stateOf(service, subject.accessToken)).toBe('REVOKED')
  })

  test('deleting an account requires typing its address', async () => {
    const { page, subject } = await subjectPage('Charles Babbage')
    await page.getByRole('button', { name: 'Delete' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete Charles Babbage?' })
    await dialog.getByLabel(`Enter ${subject.email} to confirm`).fill('someone@example.com')
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByText('This isn’t the address of the account.').waitFor()
    expect(await violations(page)).toEqual([])
    expect(await service.app.db.user.count({ where: { id: subject.id } })).toBe(1)
    await dialog.getByLabel(`Enter ${subject.email} to confirm`).fill(subject.email)
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Charles Babbage was deleted.').waitFor()
    expect(await service.app.db.user.count({ where: { id: subject.id } })).toBe(0)
  })

  test('a change of address that can still be undone is shown, and can be made final', async () => {
    const subject = await signUpVerified(service)
    const formerEmail = subject.email
    await service.send(
      'mutation ($e: String!) { requestEmailChange(input: { newEmail: $e }) }',
      { e: `new.${formerEmail}` },
      { token: subject.accessToken },
    )
    const token = await mailedToken(service, `new.${formerEmail}`, 'confirm-email')
    await service.send('mutation ($t: String!) { confirmEmailChange(input: { token: $t }) { id } }', {
      t: token,
    })
    const page = await openAs(admin, `/users/${subject.id}`)
    await page.getByText('can undo the last change until').waitFor()
    await page.getByRole('button', { name: 'End this now' }).click()
    await page.getByText('The former address can no longer undo the change.').waitFor()
    const undo = await mailedToken(service, formerEmail, 'undo-email')
    const reply = await service.send(
      'mutation ($t: String!) { undoEmailChange(input: { token: $t }) { id } }',
      { t: undo },
    )
    expect(reply.errors[0]?.extensions.code).toBe('TOKEN_INVALID')
  })
})

test('the data of the application is changed as JSON, and what is not JSON is kept to be put right', async () => {
  const { page, subject } = await subjectPage('Rosalind Franklin', { tab: '/data' })
  const area = page.getByLabel('Private')
  await area.fill('{ "plan": gold }')
  await save(page, 'App metadata')
  await page.getByText('Enter a JSON object').waitFor()
  expect(await area.inputValue()).toBe('{ "plan": gold }')
  expect(await page.evaluate('document.activeElement.name')).toBe('privateMetadata')
  await otherChanges(subject.id, { publicMetadata: { theme: 'dark' } })
  await area.fill('{ "plan": "gold" }')
  await save(page, 'App metadata')
  await page.getByText('Saved.').waitFor()
  expect(await userOf(subject.id)).toMatchObject({
    publicMetadata: { theme: 'dark' },
    privateMetadata: { plan: 'gold' },
  })
  await otherChanges(subject.id, { privateMetadata: { plan: 'silver' } })
  await area.fill('{ "plan": "bronze" }')
  await save(page, 'App metadata')
  await page.getByText('Private: now “{"plan":"silver"}”').waitFor()
  expect((await userOf(subject.id)).privateMetadata).toEqual({ plan: 'silver' })
})

describe('the tabs', () => {
  test('have addresses of their own, and actions stand on the first', async () => {
    const { page, subject } = await subjectPage('Lise Meitner')
    const tabs = page.getByRole('navigation', { name: 'Lise Meitner' })
    await page.getByRole('button', { name: 'Disable' }).waitFor()
    await tabs.getByRole('link', { name: 'Devices' }).press('Enter')
    await page.waitForURL(`**/users/${subject.id}/devices`)
    await until(page, "document.title.startsWith('Devices · Lise Meitner')")
    expect(await tabs.getByRole('link', { name: 'Devices' }).getAttribute('aria-current')).toBe('page')
    expect(await tabs.getByRole('link', { name: 'Overview' }).getAttribute('aria-current')).toBeNull()
    await tabs.getByRole('link', { name: 'Activity' }).click()
    await page.getByRole('link', { name: 'View all in the audit log' }).waitFor()
    await tabs.getByRole('link', { name: 'Data' }).click()
    await region(page, 'App metadata').waitFor()
    await page.goBack()
    await page.goBack()
    await region(page, 'Devices').waitFor()
    await page.goto(`${service.url}/users/${subject.id}/constructor`)
    await page.getByRole('heading', { name: 'Page not found' }).waitFor()
  })

  test('offer no change to who may only look', async () => {
    const subject = await signUp(service)
    const support = await signUpWith(service, 'support')
    const page = await openAs(support, `/users/${subject.id}`)
    for (const tab of ['Overview', 'Devices', 'Activity', 'Data']) {
      await page.locator('#main').getByRole('link', { name: tab }).click()
      await until(page, `document.title.startsWith('${tab} · ')`)
      expect(await page.locator('#main').locator('button, input, textarea').count()).toBe(0)
    }
  })

  test.each(['en-GB', 'ko-KR'])(
    'are right for people with disabilities and fit a phone, in %s',
    async locale => {
      const subject = await signUpWith(service, 'support')
      await service.app.db.user.update({
        where: { id: subject.id },
        data: { displayName: '가나다 Ωmega', disabledAt: new Date(), disabledReason: 'r'.repeat(500) },
      })
      const page = await openAs(admin, `/users/${subject.id}`, { locale, viewport: PHONE, hasTouch: true })
      for (const tab of ['', '/devices', '/activity', '/data']) {
        await page.goto(`${service.url}/users/${subject.id}${tab}`)
        await page.locator('.tabs').waitFor()
        await until(page, "!document.querySelector('.mantine-Skeleton-root')")
        expect(await violations(page)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        const name = `person${tab.replace('/', '-')}-${locale.slice(0, 2)}-phone`
        await page.screenshot({ path: `test/web/screenshots/${name}.png`, fullPage: true })
      }
    },
  )
})

test('one’s own page keeps one’s own address, and offers neither to disable nor to delete oneself', async () => {
  const page = await openAs(admin, `/users/${admin.id}`)
  const email = region(page, 'Profile').getByLabel('Email address')
  expect(await email.getAttribute('readonly')).not.toBeNull()
  expect(await page.getByRole('button', { name: /Disable|Delete|Mark as/ }).count()).toBe(0)
  await region(page, 'Profile').getByLabel('Name', { exact: true }).fill('Ada King')
  await save(page, 'Profile')
  await page.getByText('Saved.', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Account menu: Ada King' }).waitFor()
})

test('an account that is gone, or never was, is said to be so', async () => {
  const page = await openAs(admin, '/users/unknown')
  await page.getByRole('heading', { name: 'Account not found' }).waitFor()
  await until(page, "document.title === 'Account not found · Authograph'")
})
