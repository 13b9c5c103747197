import { expect, test } from '@jest/globals'
import {
  displayRecoveryCode,
  newRecoveryCodes,
  parseRecoveryCode,
} from '../../src/credentials/recovery-codes.ts'

test('ten codes have ten slots and differ', () => {
  const codes = newRecoveryCodes()
  expect(codes.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(new Set(codes.map(({ code }) => code.slice(1))).size).toBe(10)
})

test('a code is shown in four groups without letters that look like digits', () => {
  for (const { code } of newRecoveryCodes()) {
    expect(displayRecoveryCode(code)).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
  }
})

test('a code is read back as it was shown, and as people type it', () => {
  for (const recovery of newRecoveryCodes()) {
    const shown = displayRecoveryCode(recovery.code)
    expect(parseRecoveryCode(shown)).toEqual(recovery)
    expect(parseRecoveryCode(` ${shown.toLowerCase().replaceAll('-', ' ')}\n`)).toEqual(recovery)
  }
})

test('letters that look like digits are read as those digits', () => {
  expect(parseRecoveryCode('3OIL-0000-0000-0000')).toEqual(parseRecoveryCode('3011-0000-0000-0000'))
})

test.each(['', '3', '3K7Q-0V9D-XWEM', '3K7Q-0V9D-XWEM-8R2TX', 'AK7Q-0V9D-XWEM-8R2T', '3K7Q-0V9D-XWEM-8R2U'])(
  '%p is no code',
  text => {
    expect(parseRecoveryCode(text)).toBeUndefined()
  },
)
