import { expect, test } from '@jest/globals'
import { PASSWORD, signUp, signUpWith } from '../support/actors.ts'
import { until, useBrowser } from '../support/browser.ts'
import { useService } from '../support/service.ts'
import { signInOn } from '../support/web.ts'

const HOSTILE = '<img src=x onerror="window.hurt = true">'
const service = useService({
  settings: {
    WEB: 'on',
    APP_NAME: '</script><b>&"name$&',
    BRAND_COLOR: '#ffd400',
    SANDBOX: 'off',
    MAIL: 'off',
  },
})
const browser = useBrowser()

test('a name that looks like HTML stays text wherever it is shown', async () => {
  const admin = await signUpWith(service, 'admin')
  const someone = await signUp(service)
  await service.app.db.user.updateMany({ data: { displayName: HOSTILE } })
  await service.app.db.session.updateMany({ data: { deviceName: HOSTILE } })
  const page = await browser.open()
  await page.goto(`${service.url}/account/devices`)
  await signInOn(page, admin.email, PASSWORD)
  await page.getByRole('heading', { name: 'Devices' }).waitFor()
  for (const path of ['/account', '/account/devices', '/users', `/users/${someone.id}`, '/audit']) {
    await page.goto(service.url + path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    if (path !== '/account')
      await page.locator('main').getByText(HOSTILE).filter({ visible: true }).first().waitFor()
    expect(await page.evaluate('document.querySelectorAll("img[onerror]").length')).toBe(0)
    expect(await page.evaluate('window.hurt')).toBeUndefined()
  }
})

test('a setting that looks like HTML stays text, in the page and in its title', async () => {
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await page.getByText('</script><b>&"name$&').first().waitFor()
  await until(page, `document.title === 'Sign in · </script><b>&"name$&'`)
  expect(await page.evaluate('document.querySelectorAll("b").length')).toBe(0)
})

test('no page runs a script that is written into it', async () => {
  const page = await browser.open()
  const response = await page.goto(`${service.url}/sign-in`)
  const policy = response?.headers()['content-security-policy'] ?? ''
  const directive = (name: string) => policy.split('; ').find(part => part.startsWith(`${name} `))
  expect(directive('script-src')).toBe("script-src 'self'")
  expect(directive('frame-ancestors')).toBe("frame-ancestors 'none'")
  const blocked = page.waitForEvent('console', message => message.text().includes('Content Security Policy'))
  await page.evaluate(`(() => {
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => { window.violated = effectiveDirective })
    const script = document.createElement('script')
    script.textContent = 'window.hurt = true'
    document.head.append(script)
  })()`)
  await blocked
  await until(page, "window.violated === 'script-src-elem'")
  expect(await page.evaluate('window.hurt')).toBeUndefined()
  browser.forgive()
})

test('no token is kept where a script can read it', async () => {
  const { email } = await signUp(service)
  const page = await browser.open()
  await page.goto(`${service.url}/sign-in`)
  await signInOn(page, email, PASSWORD)
  await page.waitForURL('**/account')
  const kept = await page.evaluate(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
  )
  expect(kept).toBe(JSON.stringify([{ 'authograph.known': 'yes' }, {}, '']))
})

test('a server that sends no email has no button to invite', async () => {
  const admin = await signUpWith(service, 'admin')
  const page = await browser.open()
  await page.goto(`${service.url}/users`)
  await signInOn(page, admin.email, PASSWORD)
  await page.locator('tbody tr').first().waitFor()
  expect(await page.getByRole('button', { name: 'Invite' }).count()).toBe(0)
})

test('an address that leads nowhere is a page for people and JSON for programs', async () => {
  const address = `${service.url}/no/such/page`
  const forPeople = await fetch(address, { headers: { accept: 'text/html' } })
  expect(forPeople.status).toBe(404)
  expect(forPeople.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const forPrograms = await fetch(address)
  expect(forPrograms.status).toBe(404)
  expect(forPrograms.headers.get('content-type')).toMatch(/^application\/json/)
  const page = await browser.open()
  await page.goto(address)
  await page.getByRole('heading', { name: 'Page not found' }).waitFor()
  browser.forgive()
})
