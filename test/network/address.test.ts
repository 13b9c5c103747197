import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { canonicalAddress, networkOf } from '../../src/network/address.ts'

test.each([
  ['192.0.2.7', '192.0.2.7', '192.0.2.7/32'],
  ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.7/32'],
  ['::ffff:c000:207', '192.0.2.7', '192.0.2.7/32'],
  ['2001:DB8:0:1::a', '2001:db8:0:1::a', '2001:db8:0:1::/64'],
  ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80::1', 'fe80::/64'],
  ['::1', '::1', '::/64'],
  ['192.0.2.7:4711', undefined, 'unknown'],
  ['unknown', undefined, 'unknown'],
  ['', undefined, 'unknown'],
  [undefined, undefined, 'unknown'],
])('%s is %s and counts as %s', (text, address, network) => {
  expect(canonicalAddress(text)).toBe(address)
  expect(networkOf(text)).toBe(network)
})

const groups = (count: number) =>
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { minLength: count, maxLength: count })
    .map(numbers => numbers.map(number => number.toString(16)).join(':'))

test('all addresses of a /64 are one network, and another /64 is another network', () => {
  fc.assert(
    fc.property(groups(3), groups(3), groups(4), groups(4), (net, other, one, two) => {
      expect(networkOf(`2001:${net}:${one}`)).toBe(networkOf(`2001:${net}:${two}`))
      expect(networkOf(`2001:${net}:${one}`) === networkOf(`2001:${other}:${two}`)).toBe(net === other)
    }),
  )
})

test('two IPv4 addresses are two networks, in any notation', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), (one, two) => {
      expect(networkOf(`::ffff:${one}`)).toBe(`${one}/32`)
      expect(networkOf(one) === networkOf(two)).toBe(one === two)
    }),
  )
})
