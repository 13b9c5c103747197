import { describe, expect, test } from '@jest/globals'
import type { Email } from 'postal-mime'
import { contrast, TEXT_CONTRAST } from '../../src/colors.ts'
import { signUp } from '../support/actors.ts'
import { useService } from '../support/service.ts'

const BRAND = {
  APP_NAME: 'Engine <b>&',
  BRAND_LOGO_URL: 'https://cdn.example.com/logo.png?a=1&b="2"',
  TERMS_URL: 'https://example.com/terms?version=2&from="mail"',
  PRIVACY_URL: 'https://example.com/privacy',
  SUPPORT_URL: 'https://help.example.com/',
}

/** The verification email of a new account. */
async function received(service: ReturnType<typeof useService>): Promise<Email> {
  const { email } = await signUp(service)
  const [mail] = await service.mailsTo(email)
  if (!mail) throw new Error('no email arrived')
  return mail
}

describe('with a brand', () => {
  const service = useService({ settings: { ...BRAND, BRAND_COLOR: '#ffd400' } })

  test('an email shows the logo and links to the operator’s own pages, and no setting can add markup', async () => {
    const { html = '', text = '' } = await received(service)
    expect(html.match(/<img [^>]*>/g)).toHaveLength(1)
    expect(attribute(html, /<img src="([^"]*)"/)).toBe(BRAND.BRAND_LOGO_URL)
    expect(html).not.toContain('<b>')
    for (const [name, url] of [
      ['Terms of service', BRAND.TERMS_URL],
      ['Privacy policy', BRAND.PRIVACY_URL],
      ['Support', BRAND.SUPPORT_URL],
    ] as const) {
      expect(text).toContain(`${name}: ${url}`)
      expect(attribute(html, new RegExp(`<a href="([^"]*)"[^>]*>${name}</a>`))).toBe(url)
    }
  })

  test('the button has the brand color with readable text, and links are readable on the card', async () => {
    const { html = '' } = await received(service)
    const button = /background:(#[0-9a-f]{6});color:(#[0-9a-f]{6})/.exec(html)
    expect(button?.[1]).toBe('#ffd400')
    expect(contrast(button?.[1] ?? '', button?.[2] ?? '')).toBeGreaterThanOrEqual(TEXT_CONTRAST)
    const links = [...html.matchAll(/<a href="[^"]*" style="color:(#[0-9a-f]{6})"/g)]
    expect(links.length).toBeGreaterThan(3)
    for (const [, color = ''] of links) {
      expect(contrast(color, '#ffffff')).toBeGreaterThanOrEqual(TEXT_CONTRAST)
    }
  })
})

describe('without a brand', () => {
  const service = useService()

  test('an email has no image and no link but its own', async () => {
    const { html = '', text = '' } = await received(service)
    expect(html).not.toContain('<img')
    expect(text).not.toMatch(/Terms|Privacy|Support/)
    const targets = [...html.matchAll(/href="([^"]*)"/g)].map(([, target = '']) => new URL(target).pathname)
    expect(new Set(targets)).toEqual(new Set(['/verify-email']))
  })
})

function attribute(html: string, pattern: RegExp): string | undefined {
  return pattern.exec(html)?.[1]?.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
