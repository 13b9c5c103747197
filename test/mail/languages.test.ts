import { readdirSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { loadMailLanguages, pickLanguage, withOwnTexts } from '../../src/mail/languages.ts'
import { within } from '../../src/mail/mailer.ts'
import { type RenderOptions, renderMail } from '../../src/mail/render.ts'
import type { MailData, MailTemplate } from '../../src/mail/texts.ts'
import type { DerivedName } from '../../src/network/device-name.ts'

const device = 'Firefox on Linux' as DerivedName
const origin = { at: '2026-11-21T14:03:00.000Z', device, ipAddress: '192.0.2.7' }
const link = 'https://auth.example.com/page?token=abc'
const samples: MailData = {
  'verify-email': { ...origin, waits: true, link },
  'already-registered': { ...origin, link },
  'reset-password': { ...origin, link },
  invitation: { link },
  'factor-recovery': { ...origin, readyAt: '2026-11-24T14:03:00.000Z', link },
  'factor-recovery-reminder': { at: origin.at, readyAt: '2026-11-24T14:03:00.000Z', link },
  'factors-recovered': { at: origin.at },
  'email-login': { ...origin, code: '042917', effect: 'take-over', link },
  'confirm-new-email': { ...origin, link },
  'email-change-requested': { ...origin, link, newEmail: 'new@example.com' },
  'email-changed': { ...origin, link, newEmail: 'new@example.com' },
  'email-change-undone': { at: origin.at },
  'email-replaced': { at: origin.at, newEmail: 'new@example.com' },
  'password-changed': { ...origin, link },
  'password-removed': { ...origin, link },
  'new-device': { ...origin, link },
  'reuse-detected': { ...origin, link },
  'copy-refused': { ...origin, link },
  'factor-code': { ...origin, code: '042917' },
  'factor-added': { ...origin, link, factor: 'TOTP' },
  'factor-removed': { ...origin, link, factor: 'PASSKEY' },
  'api-key-created': { ...origin, link, prefix: 'agk_1f6c20b9' },
  'identity-added': { ...origin, link, provider: 'Google' },
  'identity-removed': { ...origin, link, provider: 'Google' },
  'recovery-codes-renewed': { ...origin, link },
  'wrong-codes': { ...origin, link },
  'recovery-code-used': { ...origin, link, left: 7 },
  'factors-reset': { at: origin.at },
  'account-disabled': { at: origin.at },
  'account-deleted': { at: origin.at },
}
const templates = Object.keys(samples) as MailTemplate[]
const languages = await loadMailLanguages()
const tags = [...languages.keys()]

function render(tag: string, template: MailTemplate, data: MailData[MailTemplate] = samples[template]) {
  return renderMail(template, data as never, options(tag))
}

function options(tag: string, others: Partial<RenderOptions> = {}): RenderOptions {
  return {
    appName: 'Engine',
    url: 'https://auth.example.com',
    brand: { color: '#5b5bd6', logoUrl: undefined },
    links: { terms: undefined, privacy: undefined, support: undefined },
    ...pickLanguage(languages, tag, []),
    ...others,
  }
}

test('every file in locales/ is a language of emails', () => {
  const files = readdirSync(new URL('../../src/mail/locales/', import.meta.url))
  expect(tags.sort()).toEqual(files.map(name => name.replace('.ts', '')).sort())
  expect(tags).toEqual(['en', 'ko'])
})

describe.each(tags)('emails in %s', tag => {
  test.each(templates)('%s has the same content as text and as HTML', template => {
    const { subject, text, html } = render(tag, template)
    expect(subject).toContain('Engine')
    const data = samples[template]
    if ('link' in data) {
      expect(text).toContain(`\n${link}\n`)
      expect(html).toContain(`href="${link}"`)
    }
    if ('ipAddress' in data) {
      expect(text).toContain('192.0.2.7')
      expect(html).toContain('Firefox on Linux')
      expect(text).toContain('2026')
    }
    if ('code' in data) {
      expect(text).toContain(`\n${data.code}\n`)
      expect(html).toContain(data.code)
      // Mail servers write subjects to their logs.
      expect(subject).not.toContain(data.code)
    }
    if ('newEmail' in data) expect(text).toContain('new@example.com')
    expect(`${subject}${text}${html}`).not.toMatch(/undefined|null|\[object/)
    expect(html).toContain(`<html lang="${tag}">`)
  })

  test('every subject is unique across templates and languages', () => {
    const subjects = tags.flatMap(each => templates.map(template => render(each, template).subject))
    expect(new Set(subjects).size).toBe(subjects.length)
  })
})

describe.each(tags)('in %s', tag => {
  test.each(['pending registration', 'registered account'])(
    'the verification email for a %s has its own warning',
    kind => {
      const waits = kind === 'pending registration'
      const { text } = render(tag, 'verify-email', { ...origin, waits, link })
      expect(text.includes('https://auth.example.com/forgot-password')).toBe(!waits)
      const other = render(tag, 'verify-email', { ...origin, waits: !waits, link })
      expect(text).not.toBe(other.text)
    },
  )
})

test('values are escaped in HTML', () => {
  const { html } = render('en', 'email-changed', {
    ...origin,
    link,
    newEmail: '<img src=x onerror=alert(1)>@example.com',
  })
  expect(html).not.toContain('<img')
  expect(html).toContain('&#60;img')
})

test.each([
  ['ko', 'ko'],
  ['ko-KR', 'ko'],
  ['en-GB', 'en'],
  ['fr', 'ko'],
])('a reader with locale %s receives emails in %s if Korean is the default', (locale, tag) => {
  expect(pickLanguage(languages, locale, ['ko', 'en']).tag).toBe(tag)
})

test('English is used if no other language matches', () => {
  expect(pickLanguage(languages, 'fr', ['de']).tag).toBe('en')
})

describe('texts of the embedding program', () => {
  const invitation = () => ({ subject: 'S', paragraphs: ['P'] })

  test('replace those of their language, and a new language begins with the texts of its primary tag', () => {
    const own = withOwnTexts(languages, {
      templates: { ko: { invitation }, 'ko-KP': { 'account-deleted': invitation }, fr: {} },
      layouts: { fr: { linkHint: 'Ou :' } },
    })
    const { language: northern } = pickLanguage(own, 'ko-KP', [])
    expect(northern.templates.invitation).toBe(invitation)
    expect(northern.templates['verify-email']).toBe(languages.get('ko')?.templates['verify-email'])
    const french = own.get('fr')
    expect(french?.linkHint).toBe('Ou :')
    expect(french?.templates).toEqual(languages.get('en')?.templates)
    expect(own.get('en')).toBe(languages.get('en'))
  })

  test.each([
    [{ en: { invite: invitation } as object }, 'mail.templates.en: there is no email named invite.'],
    [{ en: { invitation: 'text' } as object }, 'mail.templates.en: invitation must be a function.'],
    [{ english_US: {} }, 'mail.templates: english_US is not a BCP 47 language tag.'],
  ])('%j are refused', (templates, message) => {
    expect(() => withOwnTexts(languages, { templates })).toThrow(message)
  })
})

test('an attempt to send that takes too long fails, and its signal is aborted', async () => {
  let given: AbortSignal | undefined
  const attempt = within(5, signal => {
    given = signal
    return new Promise(() => {})
  })
  await expect(attempt).rejects.toMatchObject({ code: 'ETIMEDOUT' })
  expect(given?.aborted).toBe(true)
  let inTime: AbortSignal | undefined
  await within(5000, signal => {
    inTime = signal
  })
  expect(inTime?.aborted).toBe(false)
})
