import { domainToASCII } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalEmail, displayEmail } from '../../src/accounts/email.ts'

const localPart = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[A-Za-z0-9+_-]{1,20})?$/)
const domain = fc.stringMatching(/^[A-Za-z0-9]{1,20}(-[a-z0-9]{1,9})?\.(com|example|co\.uk|рф|한국)$/)
const address = fc.tuple(localPart, domain).map(parts => parts.join('@'))
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map(units => String.fromCharCode(...units)),
)
const nearlyAddress = fc.oneof(
  anyText,
  fc
    .tuple(anyText, fc.constantFrom('@', '＠', '.', '\r\n', ' '), anyText, domain)
    .map(parts => parts.join('')),
  fc.tuple(fc.string({ unit: 'grapheme' }), domain).map(parts => parts.join('@')),
  fc.tuple(localPart, fc.string({ unit: 'grapheme' })).map(([local, host]) => `${local}@${host}.com`),
)
const anyMark = fc.constantFrom('', '\u0301', '\u034F', '\uFE0F', '\u180B')

/** The text in full-width characters, as input methods produce them. */
function widen(text: string): string {
  return text.replace(/[!-~]/g, character => String.fromCharCode(character.charCodeAt(0) + 0xfee0))
}

describe('canonicalEmail', () => {
  test.each([
    ['ada@example.com', 'ada@example.com'],
    ['  Ada@Example.COM\n', 'ada@example.com'],
    ['a.d.a+news@example.com', 'a.d.a+news@example.com'],
    ['ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'ada@example.com'],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@BU\u0308CHER.example', 'ada@xn--bcher-kva.example'],
    ['ada@XN--BCHER-KVA.example', 'ada@xn--bcher-kva.example'],
    ['ada@straße.example', 'ada@xn--strae-oqa.example'],
    ['ada@도메인。한국', 'ada@xn--hq1bm8jm9l.xn--3e0b707e'],
    ['Илья@пример.рф', 'илья@xn--e1afmkfd.xn--p1ai'],
    ['\u212Aelvin@example.com', 'kelvin@example.com'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  ])('reads %j as %s', (typed, canonical) => {
    expect(canonicalEmail(typed)).toBe(canonical)
  })

  test('does not merge letters that look alike only in uppercase', () => {
    expect(canonicalEmail('mıke@example.com')).not.toBe(canonicalEmail('mike@example.com'))
    expect(canonicalEmail('mike@gıthub.com')).not.toBe(canonicalEmail('mike@github.com'))
    expect(canonicalEmail('straße@example.com')).not.toBe(canonicalEmail('strasse@example.com'))
  })

  test.each([
    '',
    '@',
    'ada',
    'ada@',
    '@example.com',
    'ada@example',
    'ada@localhost',
    'ada@127.0.0.1',
    'ada@0x7f.1',
    'ada@[127.0.0.1]',
    'ada@[IPv6:::1]',
    'ada@example.com.',
    'ada@.example.com',
    'ada@exa..mple.com',
    'ada@-example.com',
    'ada@example-.com',
    'ada@exa_mple.com',
    'ada@ex%61mple.com',
    'ada@example.com:25',
    'ada@example.com/path',
    'ada@xn--a.example',
    'ada@xn--abc-.example',
    'ada@xn--zzzzzz-9.example',
    'ada@xn--0.bücher.example',
    '.ada@example.com',
    'ada.@example.com',
    'a..da@example.com',
    'ada lovelace@example.com',
    '"ada"@example.com',
    'Ada <ada@example.com>',
    'ada@example.com,bob@example.com',
    'ada@example.com\r\nBcc: bob@example.com',
    'ada\u0000@example.com',
    'ada\u200B@example.com',
    'ada@exa\u00ADmple.com',
    'ada@exa mple.com',
    'ada@bob@example.com',
    'ada＠bob@example.com',
    'ada\uD800@example.com',
    `${'a'.repeat(65)}@example.com`,
    `${'é'.repeat(33)}@example.com`,
    `ada@${'a'.repeat(64)}.com`,
    `ada@${'a.'.repeat(130)}com`,
  ])('rejects %j', typed => {
    expect(canonicalEmail(typed)).toBeUndefined()
  })

  test('accepts at most 254 bytes', () => {
    const label = 'a'.repeat(63)
    const longest = `${'b'.repeat(64)}@${label}.${label}.${'c'.repeat(57)}.com`
    expect(longest).toHaveLength(254)
    expect(canonicalEmail(longest)).toBe(longest)
    expect(canonicalEmail(longest.replace('.com', '.comm'))).toBeUndefined()
  })

  test('is idempotent, never throws, and contains no whitespace or control characters', () => {
    fc.assert(
      fc.property(fc.oneof(address, nearlyAddress), typed => {
        const canonical = canonicalEmail(typed)
        if (canonical === undefined) return
        expect(canonicalEmail(canonical)).toBe(canonical)
        expect(canonical).toMatch(/^[^\s\p{C}\p{Z}@]+@[a-z0-9.-]+$/u)
        expect(Buffer.byteLength(canonical)).toBeLessThanOrEqual(254)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is the same for every spelling of an address', () => {
    const spellings: ((text: string) => string)[] = [
      text => text.toUpperCase(),
      text => text.toLowerCase(),
      text => ` \t${text}\r\n`,
      text => text.normalize('NFD'),
      widen,
    ]
    fc.assert(
      fc.property(address, fc.constantFrom(...spellings), (typed, spell) => {
        const canonical = canonicalEmail(typed)
        fc.pre(canonical !== undefined)
        expect(canonicalEmail(spell(typed))).toBe(canonical)
      }),
    )
  })

  test('reads most dot-atoms at a domain', () => {
    const sample = fc.sample(address, 500)
    expect(sample.filter(typed => canonicalEmail(typed) !== undefined).length).toBeGreaterThan(450)
  })

  test.each([
    ['dots', '.'.repeat(100_000)],
    ['atoms', `${'a.'.repeat(50_000)}@`],
    ['at signs', '@'.repeat(100_000)],
    ['spaces', `a${' '.repeat(100_000)}b`],
    ['marks', `a${'\u0301'.repeat(1_000)}@example.com`],
    ['labels', `a@${'a-'.repeat(500)}`],
  ])('rejects a long run of %s', (_, typed) => {
    expect(canonicalEmail(typed)).toBeUndefined()
  })
})

describe('displayEmail', () => {
  test.each([
    ['  Ada.Lovelace@Example.COM\r\n', 'Ada.Lovelace@Example.COM'],
    ['victim＠gmail.com', 'victim@gmail.com'],
    ['Ｖictim@gmail．com', 'Victim@gmail.com'],
    ['\u212Aelvin@example.com', 'Kelvin@example.com'],
    ['ada@도메인。한국', 'ada@도메인.한국'],
    // A variation selector, which UTS #46 ignores.
    ['victim@gm\uFE0Fail.com', 'victim@gmail.com'],
    ['ada@Bu\u0308cher.example', 'ada@Bücher.example'],
    ['ada@XN--BCHER-KVA.example', 'ada@XN--BCHER-KVA.example'],
  ])('turns %j into %s', (typed, shown) => {
    expect(displayEmail(typed)).toBe(shown)
  })

  test('leads to the same mailbox as the canonical address, from which it differs only in case', () => {
    const spelled = fc
      .tuple(address, fc.constantFrom('NFC', 'NFD', 'NFKD'), fc.boolean(), fc.nat(), anyMark)
      .map(([typed, form, wide, at, mark]) => {
        const text = wide ? widen(typed) : typed.normalize(form)
        return text.slice(0, at % text.length) + mark + text.slice(at % text.length)
      })
    fc.assert(
      fc.property(fc.oneof(spelled, nearlyAddress), typed => {
        const canonical = canonicalEmail(typed)
        if (canonical === undefined) return
        const shown = displayEmail(typed)
        // How nodemailer encodes the domain.
        const [local = '', domain = '', ...rest] = shown.toLowerCase().normalize('NFKC').split('@')
        expect(rest).toEqual([])
        expect(`${local}@${domainToASCII(domain)}`).toBe(canonical)
        expect(displayEmail(shown)).toBe(shown)
      }),
      { numRuns: 2_000 },
    )
  })
})
