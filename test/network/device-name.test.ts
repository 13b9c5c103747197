import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { deviceNameOf } from '../../src/network/device-name.ts'

const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const BLINK = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0'

describe('deviceNameOf', () => {
  test.each([
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
    [
      'Firefox on Windows',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0',
    ],
    [
      'Safari on iPhone',
      `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1`,
    ],
    [
      'Chrome on iPad',
      `Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) ${WEBKIT} CriOS/126.0 Mobile/15E148 Safari/604.1`,
    ],
    [
      'Safari on macOS',
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/17.5 Safari/605.1.15`,
    ],
    ['Edge on Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Safari/537.36 Edg/126.0.0.0`],
    ['Chrome on Android', `Mozilla/5.0 (Linux; Android 10; K) ${BLINK} Mobile Safari/537.36`],
    [
      'Samsung Internet on Android',
      `Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`,
    ],
    ['Chrome on Chrome OS', `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${BLINK} Safari/537.36`],
    ['Opera on Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Safari/537.36 OPR/112.0.0.0`],
    ['Android app', 'okhttp/4.12.0'],
    ['Android app', 'Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A)'],
    ['iOS app', 'Shop/12 CFNetwork/1494.0.7 Darwin/23.4.0'],
    ['Dart app', 'Dart/3.4 (dart:io)'],
    ['curl', 'curl/8.5.0'],
    ['Python', 'python-requests/2.31.0'],
    ['Node.js', 'node'],
    ['Node.js', 'undici'],
    ['Node.js', 'axios/1.7.2'],
    ['Go', 'Go-http-client/1.1'],
    ['Postman', 'PostmanRuntime/7.39.0'],
  ])('says %s', (name, userAgent) => {
    expect(deviceNameOf(userAgent)).toBe(name)
  })

  test.each([
    undefined,
    '',
    '  ',
    'x',
    'Mozilla/5.0',
    'Unheard/1.0',
    'nodebb/3',
    '<script>/1.0',
    '\r\n\u0000',
    'x'.repeat(10_000),
  ])('says nothing for %j', userAgent => {
    expect(deviceNameOf(userAgent)).toBeUndefined()
  })

  test('returns a short, plain name for any header', () => {
    const pieces = fc.constantFrom(
      'Firefox/1',
      'Linux',
      ' Android ',
      '(iPhone;',
      'Version/',
      '\n',
      '<b>',
      'Edg/',
      'Opera ',
      '/',
    )
    const header = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.array(pieces, { maxLength: 100 }).map(all => all.join('')),
    )
    fc.assert(
      fc.property(header, userAgent => expect(deviceNameOf(userAgent) ?? '').toMatch(/^[\w .!/+-]{0,60}$/)),
    )
  })

  test.each([
    'Mozilla/5.0 (',
    'Version/1.0 ',
    'Chrome/1 Safari/1 ',
    '(((((((((',
    'aaaaaaaaaa',
    ' / / / / /',
    'Android 1; ',
  ])('says no more of 10 kB of %j than of their start', piece => {
    const userAgent = piece.repeat(10_000 / piece.length)
    expect(deviceNameOf(userAgent)).toBe(deviceNameOf(userAgent.slice(0, 512)))
  })
})
