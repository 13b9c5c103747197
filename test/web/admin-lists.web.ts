import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { record } from '../../src/audit/record.ts'
import { PASSWORD, type SignedIn, signUp, signUpWith } from '../support/actors.ts'
import { auditOf } from '../support/audit.ts'
import { violations } from '../support/axe.ts'
import { holdBack, until, useBrowser } from '../support/browser.ts'
import { templatesTo } from '../support/mails.ts'
import { useService } from '../support/service.ts'
import { stateOf } from '../support/sessions.ts'
import { signInOn } from '../support/web.ts'

const service = useService({ settings: { WEB: 'on', LIMIT_LOGIN_NETWORK: '10000/1h' } })
const browser = useBrowser()
const PHONE = { width: 390, height: 844 }
const CREW = 37

let admin: SignedIn
beforeAll(async () => {
  admin = await signUpWith(service, 'admin')
  await service.app.db.user.update({ where: { id: admin.id }, data: { displayName: 'Ada Lovelace' } })
})

async function openAs(reader: SignedIn, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.open({ timezoneId: 'Asia/Seoul', ...options })
  await page.goto(service.url + path)
  await signInOn(page, reader.email, PASSWORD)
  await page.locator('main h1').waitFor()
  return page
}

const adminAt = (path: string, options?: BrowserContextOptions) => openAs(admin, path, options)

/** Accounts that a search for `tag` finds, the first created first. */
async function crew(tag: string, count: number): Promise<SignedIn[]> {
  const members: SignedIn[] = []
  for (let index = 0; index < count; index++) {
    const number = String(index).padStart(2, '0')
    const member = await signUp(service, { email: `${tag}${number}@example.com` })
    await service.app.db.user.update({
      where: { id: member.id },
      data: { displayName: `Crew ${number}`, createdAt: new Date(Date.UTC(2001, 0, index + 1)) },
    })
    members.push(member)
  }
  return members
}

/** The first cell of each row, after the checkbox. */
const names = (page: Page) => page.locator('tbody .who strong').allTextContents()

async function loaded(page: Page): Promise<void> {
  await until(page, "!document.querySelector('.mantine-Skeleton-root, [aria-busy=true]')")
}

/** Something to wait for until the test opens it. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

/** What a button saves as CSV, as a spreadsheet reads it, and the file as it is. */
async function exported(page: Page): Promise<{ name: string; file: Buffer; rows: string[][] }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ])
  const file = await readFile(await download.path())
  const rows = parse(file, { bom: true }) as string[][]
  return { name: download.suggestedFilename(), file, rows }
}

describe('the list of people', () => {
  beforeAll(async () => {
    await crew('mate', CREW)
  })

  test('is sorted by a click on a heading, in the other direction by another, and says so', async () => {
    const page = await adminAt('/users?search=mate')
    const heading = (name: string) => page.getByRole('columnheader', { name })
    await page.getByText('Crew 36').waitFor()
    expect(await heading('Created').getAttribute('aria-sort')).toBe('descending')
    await page.getByRole('button', { name: 'Person' }).click()
    await page.getByText('Crew 00').waitFor()
    expect(await heading('Person').getAttribute('aria-sort')).toBe('ascending')
    expect(await heading('Created').getAttribute('aria-sort')).toBe('none')
    expect((await names(page)).slice(0, 3)).toEqual(['Crew 00', 'Crew 01', 'Crew 02'])
    await page.keyboard.press('Enter')
    await page.getByText('Crew 36').waitFor()
    expect((await names(page)).slice(0, 3)).toEqual(['Crew 36', 'Crew 35', 'Crew 34'])
    expect(await heading('Person').getAttribute('aria-sort')).toBe('descending')
    expect(await violations(page)).toEqual([])
  })

  test('says which of how many rows a page has, forward, backward and after a reload', async () => {
    const page = await adminAt('/users?search=mate&order=byName')
    await page.getByText('1–25 of 37').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('26–37 of 37').waitFor()
    expect(await names(page)).toHaveLength(12)
    await page.screenshot({ path: 'test/web/screenshots/people-page-2.png', fullPage: true })
    await page.reload()
    await page.getByText('26–37 of 37').waitFor()
    await page.getByRole('button', { name: 'Previous' }).click()
    await page.getByText('1–25 of 37').waitFor()
    await page.goBack()
    await page.getByText('26–37 of 37').waitFor()
    await page.getByLabel('Search by name or email').fill('mate3')
    await page.getByText('1–7 of 7').waitFor()
  })

  test('marks the rows of the last answer while the next one loads', async () => {
    const page = await adminAt('/users?search=mate')
    await page.getByText('1–25 of 37').waitFor()
    const held = gate()
    await page.route('**/graphql', async route => {
      if (route.request().postData()?.includes('"disabled":true')) await held.opened
      await route.continue()
    })
    await page.getByLabel('Status').selectOption('disabled')
    const list = page.locator('.list')
    await until(page, "document.querySelector('.list').getAttribute('aria-busy') === 'true'")
    expect(await names(page)).toHaveLength(25)
    expect(await list.locator('tbody').evaluate(body => getComputedStyle(body).opacity)).toBe('0.45')
    await page.screenshot({ path: 'test/web/screenshots/people-stale.png' })
    held.open()
    await page.getByText('No matching people').waitFor()
    expect(await list.getAttribute('aria-busy')).toBe('false')
  })

  test('is exported as CSV, all of what is filtered and nothing else', async () => {
    const page = await adminAt('/users?search=mate3&order=byName')
    await page.getByText('1–7 of 7').waitFor()
    const { name, file, rows } = await exported(page)
    expect(name).toBe('people.csv')
    expect([...file.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
    const [head, first] = rows
    expect(head?.slice(0, 6)).toEqual([
      'Name',
      'Username',
      'Email address',
      'Status',
      'Roles',
      'Created (UTC)',
    ])
    expect(first?.slice(0, 6)).toEqual([
      'Crew 30',
      '',
      'mate30@example.com',
      'Not confirmed',
      'user',
      '2001-01-31 00:00:00',
    ])
    expect(rows).toHaveLength(8)
    await page.getByText('7 rows are in your downloads.').waitFor()
    const events = await service.app.db.auditEvent.findMany({ where: { action: 'users.exported' } })
    expect(events).toMatchObject([{ actorId: admin.id, detail: { filter: { search: true } } }])
    await page.getByLabel('Search by name or email').fill('mate')
    await page.getByText('1–25 of 37').waitFor()
    expect((await exported(page)).rows).toHaveLength(1 + CREW)
  })

  test('exports Korean as Korean, and nothing that a spreadsheet would run', async () => {
    const hostile = ['=HYPERLINK("http://evil.example","x")', '+1+1', '-2+3', '@SUM(A1)', ' =1+1', '＝1+1']
    const all = [...hostile, '김서연', 'Ada "the first", Countess']
    for (const [index, displayName] of all.entries()) {
      const { id } = await signUp(service, { email: `cells${index}@example.com` })
      await service.app.db.user.update({ where: { id }, data: { displayName } })
    }
    const page = await adminAt('/users?search=cells&order=byEmail', { locale: 'en-GB' })
    await page.getByText(`1–${all.length} of ${all.length}`).waitFor()
    const { rows } = await exported(page)
    const cells = rows.slice(1).map(([cell]) => cell)
    expect(cells).toEqual([...hostile.map(name => `'${name}`), '김서연', 'Ada "the first", Countess'])
  })
})

describe('several people', () => {
  const select = async (page: Page, ...people: string[]) => {
    for (const person of people) await page.getByRole('checkbox', { name: `Select ${person}` }).check()
  }
  const act = async (page: Page, action: string, title: string) => {
    await page.getByRole('region', { name: 'Selected people' }).getByRole('button', { name: action }).click()
    return page.getByRole('dialog', { name: title })
  }

  test('are disabled with one confirmation and a reason, and enabled again', async () => {
    const people = await crew('band', 4)
    const page = await adminAt('/users?search=band')
    await select(page, 'Crew 00', 'Crew 02', 'Crew 03')
    await page.getByText('3 people selected').waitFor()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/people-selected.png', fullPage: true })
    const dialog = await act(page, 'Disable', 'Disable 3 accounts?')
    await dialog.getByText('Crew 00, Crew 02, Crew 03').waitFor()
    await dialog.getByLabel('Reason').fill('the tour is over')
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/people-disable.png' })
    await dialog.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('3 accounts were disabled.').waitFor()
    expect(await Promise.all(people.map(({ accessToken }) => stateOf(service, accessToken)))).toEqual([
      'REVOKED',
      'LIVE',
      'REVOKED',
      'REVOKED',
    ])
    const [event] = (await auditOf(service, people[0]?.id ?? '')).filter(
      ({ action }) => action === 'user.disabled',
    )
    expect(event).toMatchObject({ actorId: admin.id, detail: { reason: 'the tour is over' } })
    await loaded(page)
    expect(await page.locator('tbody').getByText('Disabled').filter({ visible: true }).count()).toBe(3)
    expect(await page.getByText('people selected').count()).toBe(0)

    await page.getByRole('checkbox', { name: 'Select everyone on this page' }).check()
    await (await act(page, 'Enable', 'Enable 4 accounts?')).getByRole('button', { name: 'Enable' }).click()
    await page.getByText('4 accounts were enabled.').waitFor()
    expect(await service.app.db.user.count({ where: { disabledAt: { not: null } } })).toBe(0)
  })

  test('gain and lose roles, and keep those that are not mentioned', async () => {
    const [first, second] = await crew('duo', 2)
    await service.app.db.role.create({ data: { name: 'drummer', permissions: [] } })
    await service.app.db.userRole.create({ data: { userId: first?.id ?? '', roleName: 'drummer' } })
    const page = await adminAt('/users?search=duo')
    await select(page, 'Crew 00', 'Crew 01')
    const dialog = await act(page, 'Roles', 'Change the roles of 2 accounts?')
    await dialog.getByLabel('support').selectOption('add')
    await dialog.getByLabel('user').selectOption('remove')
    // Someone else grants another role in between.
    await service.app.db.userRole.create({ data: { userId: second?.id ?? '', roleName: 'drummer' } })
    expect(await violations(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Roles' }).click()
    await page.getByText('The roles of 2 accounts were updated.').waitFor()
    for (const member of [first, second]) {
      const roles = await service.app.db.userRole.findMany({ where: { userId: member?.id ?? '' } })
      expect(roles.map(({ roleName }) => roleName).sort()).toEqual(['drummer', 'support'])
    }
  })

  test('are deleted after typing how many, on all pages, and whatever fails is listed and stays selected', async () => {
    await crew('gone', 30)
    await service.app.db.user.update({
      where: { id: admin.id },
      data: { email: 'gone.admin@example.com', emailCanonical: 'gone.admin@example.com' },
    })
    admin.email = 'gone.admin@example.com'
    const page = await adminAt('/users?search=gone&order=byName')
    await page.getByText('1–25 of 31').waitFor()
    await page.getByRole('checkbox', { name: 'Select everyone on this page' }).check()
    await page.getByRole('button', { name: 'Select all 31' }).click()
    await page.getByText('31 people selected').waitFor()
    const dialog = await act(page, 'Delete', 'Delete 31 accounts?')
    await dialog.getByText('and 28 more').waitFor()
    await dialog.getByLabel('Enter 31 to confirm').fill('30')
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByText('This isn’t the number of selected people.').waitFor()
    expect(await service.app.db.user.count({ where: { email: { startsWith: 'gone' } } })).toBe(31)
    await dialog.getByLabel('Enter 31 to confirm').fill('31')
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByText('Done for 30 of 31.').waitFor()
    await dialog.getByText('This is your own account. Delete it with deleteAccount.').waitFor()
    expect(await dialog.getByRole('listitem').count()).toBe(1)
    expect(await dialog.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('100')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Close')
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/people-deleted.png' })
    await page.keyboard.press('Enter')
    await page.getByText('1–1 of 1').waitFor()
    await page.getByText('1 person selected').waitFor()
  })

  test('are no longer worked on after a stop, and the rest stays selected', async () => {
    await crew('stop', 9)
    const page = await adminAt('/users?search=stop&order=byName')
    await page.getByRole('checkbox', { name: 'Select everyone on this page' }).check()
    const held = gate()
    await page.route('**/graphql', async route => {
      if (route.request().postData()?.includes('disableUser')) await held.opened
      await route.continue()
    })
    const dialog = await act(page, 'Disable', 'Disable 9 accounts?')
    await dialog.getByRole('button', { name: 'Disable' }).click()
    await dialog.getByText('0 of 9').first().waitFor()
    await page.keyboard.press('Escape')
    held.open()
    await dialog.getByText('Done for 4 of 9.').waitFor()
    await dialog.getByText('5 not tried. They stay selected.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('5 people selected').waitFor()
    const disabled = { email: { startsWith: 'stop' }, disabledAt: { not: null } }
    expect(await service.app.db.user.count({ where: disabled })).toBe(4)
  })

  test('are invited from a pasted list, and only those without a password are invited again', async () => {
    const member = await signUp(service, { email: 'member@example.com' })
    const page = await adminAt('/users')
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('button', { name: 'Invite several people' }).click()
    const dialog = page.getByRole('dialog', { name: 'Invite several people' })
    const addresses = dialog.getByLabel('Email addresses')
    await addresses.fill('not an address')
    await dialog.getByRole('button', { name: 'Send invitation' }).click()
    await dialog.getByText('Not valid: not, an, address').waitFor()
    await addresses.fill(
      `"Hopper, Grace" <many1@example.com>; many2@example.com\nmany2@example.com, ${member.email}`,
    )
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/invite-many.png' })
    await dialog.getByRole('button', { name: 'Send invitation' }).click()
    await dialog.getByText('Done for 2 of 3.').waitFor()
    await dialog.getByText('Already has an account.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    for (const to of ['many1@example.com', 'many2@example.com'])
      expect(await templatesTo(service, to)).toEqual(['invitation'])

    await page.getByLabel('Search by name or email').fill('m')
    await page.goto(`${service.url}/users?search=many`)
    await page.getByText('1–2 of 2').waitFor()
    await page.getByRole('checkbox', { name: 'Select everyone on this page' }).check()
    const again = await act(page, 'Invite again', 'Send 2 invitations again?')
    await again.getByRole('button', { name: 'Invite again' }).click()
    await page.getByText('2 invitations are on the way.').waitFor()
    expect(await templatesTo(service, 'many1@example.com')).toEqual(['invitation', 'invitation'])
  })

  test('are not selected by who may change nothing', async () => {
    const page = await openAs(await signUpWith(service, 'support'), '/users?search=band')
    await page.getByText('1–4 of 4').waitFor()
    expect(await page.getByRole('checkbox').count()).toBe(0)
  })

  test.each(['en-GB', 'ko-KR'])('are worked on with a keyboard on a phone, in %s', async locale => {
    const tag = `tel${locale.slice(0, 2)}`
    await crew(tag, 3)
    const page = await adminAt(`/users?search=${tag}`, { locale, viewport: PHONE, hasTouch: true })
    await page.locator('tbody tr').nth(2).waitFor()
    await page.locator('thead input').focus()
    await page.keyboard.press('Space')
    await page.locator('.bulk button').first().focus()
    await page.screenshot({ path: `test/web/screenshots/people-${locale}-phone.png`, fullPage: true })
    expect(await violations(page)).toEqual([])
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.screenshot({ path: `test/web/screenshots/people-dialog-${locale}-phone.png` })
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const disabled = { email: { startsWith: tag }, disabledAt: { not: null } }
    expect(await service.app.db.user.count({ where: disabled })).toBe(3)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width)
  })
})

describe('the audit log', () => {
  let subject: SignedIn
  beforeAll(async () => {
    subject = await signUp(service, { email: 'emmy@example.com' })
    await service.app.db.user.update({ where: { id: subject.id }, data: { displayName: 'Emmy Noether' } })
    const as = { token: admin.accessToken, headers: { 'user-agent': 'Mozilla/5.0 EmmyBrowser' } }
    const roles = ['user', 'support']
    const change = 'mutation ($id: ID!, $roles: [String!]!) { setUserRoles(id: $id, roles: $roles) { id } }'
    await service.send(change, { id: subject.id, roles }, as)
    const update =
      'mutation ($id: ID!) { updateUser(id: $id, input: { displayName: "Emmy N.", username: "emmy" }) { id } }'
    await service.send(update, { id: subject.id }, as)
    const create =
      'mutation { createRole(input: { name: "algebraist", permissions: ["users:read"] }) { name } }'
    expect((await service.send(create, {}, as)).errors).toEqual([])
    const origin = { ipAddress: '2001:db8::7', userAgent: undefined }
    const at = new Date(Date.UTC(2020, 1, 29, 0, 30))
    await record(service.app.db, origin, { action: 'session.denied', at, subjectId: subject.id })
  })

  const row = (page: Page, text: string) => page.locator('tbody tr', { hasText: text })

  test('shows a change in words, and names the role that was created', async () => {
    const page = await adminAt('/audit')
    await row(page, 'user.roles_changed').getByText('Roles: user → support, user').first().waitFor()
    const updated = row(page, 'user.updated').first()
    await updated.getByText('Name: Emmy Noether → Emmy N.').waitFor()
    await updated.getByText('Username: none → emmy').waitFor()
    const created = row(page, 'role.created').first()
    await created.getByText('algebraist').first().waitFor()
    await created.getByText('Permissions: users:read').waitFor()
    await page.screenshot({ path: 'test/web/screenshots/audit-changes.png', fullPage: true })
    expect(await violations(page)).toEqual([])
  })

  test('is filtered by who, whom, from where and when, and the address of the page has it all', async () => {
    const page = await adminAt('/audit')
    await loaded(page)
    await page.getByRole('combobox', { name: 'Target' }).pressSequentially('emmy')
    await page.getByRole('option', { name: 'Emmy N. (emmy@example.com)' }).click()
    await page.waitForURL(`**/audit?subject=${subject.id}`)
    await page.getByText(/^1–\d of \d$/).waitFor()
    const all = await page.locator('tbody tr').count()
    await page.getByRole('combobox', { name: 'Actor' }).pressSequentially('ada love')
    await page.getByRole('option', { name: /^Ada Lovelace/ }).waitFor()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/audit-actor.png' })
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByText('1–2 of 2').waitFor()
    expect(all).toBeGreaterThan(2)
    await page.reload()
    await page.getByText('1–2 of 2').waitFor()
    await until(page, "document.querySelector('.filters').innerHTML.includes('Ada Lovelace (')")
    await page.getByRole('button', { name: 'Clear Actor' }).click()
    await page.getByText(`1–${all} of ${all}`).waitFor()

    await page.getByLabel('IP address').fill('2001:DB8::7')
    await page.keyboard.press('Enter')
    await page.getByText('1–1 of 1').waitFor()
    await row(page, 'session.denied').getByText('2001:db8::7').waitFor()
    await page.getByLabel('IP address').fill('nonsense')
    await page.keyboard.press('Enter')
    await page.getByText('Enter an IP address.').waitFor()
    await page.getByRole('button', { name: 'Clear filters' }).click()

    // 09:30 in Seoul.
    await page.getByLabel('From', { exact: true }).fill('2020-02-29T09:30')
    await page.getByLabel('To', { exact: true }).fill('2020-02-29T09:30')
    await page.getByText('1–1 of 1').waitFor()
    await page.getByLabel('To', { exact: true }).fill('2020-02-29T09:29')
    await page.getByText('No events').waitFor()
    await page.goto(`${service.url}/audit?from=2020-02-29&to=2020-02-29`)
    await page.getByText('1–1 of 1').waitFor()
    await page.getByRole('button', { name: '2001:db8::7' }).click()
    await page.waitForURL('**/audit?**address=2001%3Adb8%3A%3A7')
  })

  test('is exported as CSV as it is filtered, with changes in words', async () => {
    const page = await adminAt(`/audit?subject=${subject.id}&actor=${admin.id}`)
    await page.getByText('1–2 of 2').waitFor()
    const { name, rows } = await exported(page)
    expect(name).toBe('audit-log.csv')
    const [head = [], ...events] = rows
    expect(events).toHaveLength(2)
    const column = (title: string) => events.map(cells => cells[head.indexOf(title)])
    expect(column('Code')).toEqual(['user.updated', 'user.roles_changed'])
    expect(column('Changes')[1]).toBe('Roles: user → support, user')
    expect(column('Target: ID')).toEqual([subject.id, subject.id])
    expect(column('User agent')[0]).toBe('Mozilla/5.0 EmmyBrowser')
    expect(await service.app.db.auditEvent.count({ where: { action: 'audit.exported' } })).toBe(1)
  })

  test('is filtered by ID by who may not read accounts', async () => {
    await service.app.db.role.create({ data: { name: 'checker', permissions: ['audit:read'] } })
    const page = await openAs(await signUpWith(service, 'checker'), '/audit')
    await loaded(page)
    await page.getByLabel('Target (ID)').fill('emmy')
    await page.getByText('Enter the ID of an account.').waitFor()
    await page.getByLabel('Target (ID)').fill(subject.id)
    await page.waitForURL(`**/audit?subject=${subject.id}`)
    await row(page, 'user.roles_changed').waitFor()
    expect(await page.locator('main').textContent()).not.toContain('emmy@example.com')
  })

  const everything = ['Emmy N.', 'Ada Lovelace', '127.0.0.1', 'EmmyBrowser', '→ support, user']
  const looks = [
    { name: 'a phone', viewport: PHONE, media: 'screen' },
    { name: 'a tablet', viewport: { width: 991, height: 1200 }, media: 'screen' },
    { name: 'paper', viewport: { width: 794, height: 1123 }, media: 'print' },
  ] as const
  const locales = ['en-GB', 'ko-KR'] as const

  test.each(looks.flatMap(look => locales.map(locale => ({ ...look, locale }))))(
    'loses nothing on $name, in $locale',
    async ({ name, viewport, media, locale }) => {
      const page = await adminAt(`/audit?subject=${subject.id}&action=user.roles_changed`, {
        locale,
        viewport,
      })
      await row(page, 'user.roles_changed').waitFor()
      await page.emulateMedia({ media })
      await page.screenshot({
        path: `test/web/screenshots/audit-${name.replace('a ', '')}-${locale}.png`,
        fullPage: true,
      })
      const [only] = await page.locator('tbody tr').all()
      for (const text of everything) expect(await only?.getByText(text).first().isVisible()).toBe(true)
      expect(await only?.getByRole('cell').count()).toBe(5)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
      expect(await page.getByRole('navigation').first().isVisible()).toBe(media === 'screen')
      if (media === 'screen') expect(await violations(page)).toEqual([])
    },
  )
})

describe('the overview', () => {
  const HOUR_MS = 3_600_000
  beforeAll(async () => {
    const now = service.clock.now().getTime()
    const origin = { ipAddress: '203.0.113.5', userAgent: undefined }
    for (const [action, count, hoursAgo] of [
      ['session.started', 40, 5],
      ['session.started', 25, 9],
      ['session.denied', 7, 5],
      ['limit.hit', 2, 30],
      ['mail.failed', 3, 24 * 12],
    ] as const) {
      const at = new Date(now - hoursAgo * HOUR_MS)
      for (let index = 0; index < count; index++) await record(service.app.db, origin, { action, at })
    }
  })

  const chart = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
  const totalOf = async (page: Page, name: string) =>
    Number(await chart(page, name).locator('.chart-number').textContent())

  test('shows figures of a day or a month as charts, with a table for each', async () => {
    const page = await adminAt('/overview')
    await chart(page, 'Sign-ins').waitFor()
    const inDay = {
      action: 'session.started',
      at: { gt: new Date(service.clock.now().getTime() - 23 * HOUR_MS) },
    }
    expect(await totalOf(page, 'Sign-ins')).toBe(await service.app.db.auditEvent.count({ where: inDay }))
    expect(await totalOf(page, 'Failed sign-ins')).toBe(7)
    expect(await totalOf(page, 'Limits reached')).toBe(0)
    expect(await totalOf(page, 'Failed emails')).toBe(0)
    await chart(page, 'Failed sign-ins')
      .getByRole('img', { name: /^7 in total, at most 7 at / })
      .waitFor()
    await chart(page, 'Failed emails').getByRole('img', { name: 'None in this period.' }).waitFor()
    const failures = chart(page, 'Failed sign-ins')
    await failures.getByText('Show as a table').focus()
    await page.keyboard.press('Enter')
    expect(await failures.getByRole('row').count()).toBe(25)
    const numbers = await failures.getByRole('cell').allTextContents()
    expect(numbers.filter(number => number !== '0')).toEqual(['7'])
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: 'test/web/screenshots/overview-table.png', fullPage: true })

    await page.getByLabel('Period', { exact: true }).selectOption('month')
    await page.waitForURL('**/overview?period=month')
    await until(
      page,
      "[...document.querySelectorAll('.chart-number')].some(each => each.textContent === '3')",
    )
    expect(await totalOf(page, 'Limits reached')).toBe(2)
    expect(await totalOf(page, 'Failed emails')).toBe(3)
    expect(await chart(page, 'Limits reached').locator('rect').count()).toBe(30)
    await page.getByRole('link', { name: 'Limits reached' }).click()
    await page.waitForURL('**/audit?action=limit.hit')
    await page.getByText('1–2 of 2').waitFor()
  })

  test('has no number of people for who may not read accounts, and is not for everyone', async () => {
    const role = { name: 'watcher', permissions: ['audit:read'] }
    await service.app.db.role.create({ data: role })
    const page = await openAs(await signUpWith(service, 'watcher'), '/overview')
    await chart(page, 'Sign-ins').waitFor()
    expect(await page.getByText('accounts', { exact: false }).count()).toBe(0)
    const other = await browser.open()
    await other.goto(`${service.url}/overview`)
    await signInOn(other, (await signUp(service)).email, PASSWORD)
    await other.getByRole('heading', { name: 'You don’t have access' }).waitFor()
  })

  const looks = (['en-GB', 'ko-KR'] as const).flatMap(locale => [
    { locale, name: 'phone', viewport: PHONE, colorScheme: 'dark', media: 'screen' } as const,
    {
      locale,
      name: 'desktop',
      viewport: { width: 1280, height: 860 },
      colorScheme: 'light',
      media: 'screen',
    } as const,
    {
      locale,
      name: 'paper',
      viewport: { width: 794, height: 1123 },
      colorScheme: 'dark',
      media: 'print',
    } as const,
  ])
  test.each(looks)(
    'fits and is right for people with disabilities: $name, $locale',
    async ({ locale, name, viewport, colorScheme, media }) => {
      const page = await adminAt('/overview?period=month', { locale, viewport, colorScheme })
      await page.locator('.chart').first().waitFor()
      await page.emulateMedia({ media })
      await page.screenshot({ path: `test/web/screenshots/overview-${name}-${locale}.png`, fullPage: true })
      expect(await page.locator('.chart').count()).toBe(5)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
      if (media === 'screen') expect(await violations(page)).toEqual([])
    },
  )
})

describe('the list of people before the script of the pages', () => {
  /** What a page says and links to, as the browser has it, without the order of attributes. */
  const OUTLINE = `JSON.stringify([...document.querySelectorAll(
      '.frame-header nav *, main h1, .page-lead, main button, th, tbody *, .pager *, .zone, label')].map(element => [
    element.tagName,
    ...[...element.attributes]
      .filter(({ name }) => !['id', 'for', 'style', 'inert', 'tabindex'].includes(name))
      .map(({ name, value }) => name + '=' + value).sort(),
    element.childElementCount === 0 ? element.textContent : '',
  ]))`
  const SHIFTED = `
    globalThis.shifted = 0
    new PerformanceObserver(list => { for (const { value } of list.getEntries()) globalThis.shifted += value })
      .observe({ type: 'layout-shift', buffered: true })`

  /** A new tab beside one that is signed in, in which only the early script arrives until `arrive` is called. */
  async function early(beside: Page, before = '') {
    const page = await browser.open({ beside })
    const asked: string[] = []
    await page.addInitScript(SHIFTED + before)
    const arrive = await holdBack(page, /\/assets\/(?!early-).*\.js$/)
    page.on('request', request => asked.push(/query (\w+)/.exec(request.postData() ?? '')?.[1] ?? ''))
    await page.goto(`${service.url}/users`, { waitUntil: 'commit' })
    await until(page, 'globalThis.authographEarlyPeople !== undefined')
    const shown = await page.evaluate('globalThis.authographEarlyPeople')
    return { page, shown, arrive, asked }
  }
  async function signedIn(reader: SignedIn, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await openAs(reader, '/account', options)
    await page.locator('.avatar').waitFor()
    await page.waitForLoadState('networkidle')
    return page
  }
  const alive = (page: Page) => page.getByRole('combobox', { name: /Language|언어/ }).waitFor()

  test.each([
    ['en-GB', 'light', { width: 1280, height: 860 }, ['admin']],
    ['ko-KR', 'dark', PHONE, ['admin']],
    ['ko-KR', 'light', { width: 320, height: 700 }, ['reader-of-people']],
  ] as const)(
    'is the list that its script shows: %s, %s, %p, %p',
    async (locale, colorScheme, viewport, roles) => {
      const hostile = await signUp(service, {
        displayName: '<img src=x onerror="globalThis.hurt = 1"> & {viewer}',
      })
      const permissions = ['users:read']
      await service.app.db.role.upsert({
        where: { name: 'reader-of-people' },
        create: { name: 'reader-of-people', permissions },
        update: { permissions },
      })
      const reader = await signUpWith(service, ...roles)
      const beside = await signedIn(reader, { locale, colorScheme, viewport })
      const { page, shown, arrive, asked } = await early(beside)
      expect(shown).toBe(true)
      const row = page.locator('tbody tr', { has: page.locator(`a[href$="${hostile.id}"]`) })
      await row.getByText('<img src=x onerror="globalThis.hurt = 1"> & {viewer}').waitFor()
      const name = `test/web/screenshots/people-${locale}-${colorScheme}-${viewport.width}`
      await page.screenshot({ path: `${name}-early.png` })
      expect(await violations(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width)
      const before = await page.evaluate(OUTLINE)
      await row.getByRole('link').focus()
      arrive()
      await alive(page)
      await loaded(page)
      await page.screenshot({ path: `${name}-loaded.png` })
      expect(await page.evaluate(OUTLINE)).toBe(before)
      expect(await page.evaluate('document.activeElement.href')).toBe(`${service.url}/users/${hostile.id}`)
      expect(await page.evaluate('globalThis.hurt')).toBeUndefined()
      expect(Number(await page.evaluate('globalThis.shifted'))).toBeLessThan(0.02)
      expect(asked.filter(operation => operation === 'UserList')).toHaveLength(1)
      await row.getByRole('link').click()
      await page.waitForURL(`**/users/${hostile.id}`)
    },
  )

  test('shows nothing to someone who may not see it, and asks for nothing', async () => {
    const beside = await signedIn(await signUp(service))
    const { page, shown, arrive, asked } = await early(beside)
    expect(shown).toBe(false)
    expect(await page.locator('#root *').count()).toBe(0)
    arrive()
    await page.getByRole('heading', { name: 'You don’t have access' }).waitFor()
    expect(asked).not.toContain('UserList')
  })

  test('shows nothing in a tab in which an administrator acts as someone else', async () => {
    const beside = await signedIn(admin)
    const acting = JSON.stringify({ accessToken: 'of the other', userId: admin.id })
    const { page, shown } = await early(
      beside,
      `; sessionStorage.setItem('authograph.acting', ${JSON.stringify(acting)})`,
    )
    expect(shown).toBe(false)
    expect(await page.locator('#root *').count()).toBe(0)
  })

  test('shows nothing after the session has ended, and asks to sign in', async () => {
    const reader = await signUpWith(service, 'admin')
    const beside = await signedIn(reader)
    await service.app.db.session.deleteMany({ where: { userId: reader.id } })
    const { page, shown, arrive } = await early(beside)
    expect(shown).toBe(false)
    expect(await page.locator('#root *').count()).toBe(0)
    arrive()
    await page.getByRole('heading', { name: 'Sign in to Authograph' }).waitFor()
    expect(await page.locator('tbody').count()).toBe(0)
  })
})
