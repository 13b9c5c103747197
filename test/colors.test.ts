import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { contrast, readableOn, shadesOf, TEXT_CONTRAST } from '../src/colors.ts'

const hex = fc.integer({ min: 0, max: 0xffffff }).map(number => `#${number.toString(16).padStart(6, '0')}`)

test('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
})

test('links in any brand color are readable on light and dark', () => {
  fc.assert(
    fc.property(hex, fc.constantFrom('#ffffff', '#242424'), (color, page) => {
      expect(contrast(readableOn(page, color), page)).toBeGreaterThanOrEqual(TEXT_CONTRAST)
    }),
  )
})

test('a readable color stays as it is', () => {
  expect(readableOn('#ffffff', '#5b5bd6')).toBe('#5b5bd6')
})

test('the seventh of ten shades is the brand color', () => {
  fc.assert(
    fc.property(hex, color => {
      const shades = shadesOf(color)
      expect(shades).toHaveLength(10)
      expect(shades[6]).toBe(color)
      expect(shades.every(shade => /^#[0-9a-f]{6}$/.test(shade))).toBe(true)
    }),
  )
})
