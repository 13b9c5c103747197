import { expect, test } from '@jest/globals'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { Register } from '../support/operations.ts'
import { codes, type Service, startService } from '../support/service.ts'

const SOCKET = /^(127\.0\.0\.1|::1)$/
const LOOPBACK = '127.0.0.0/8, ::1'

async function withProxies(trusted: string, run: (service: Service) => Promise<void>): Promise<void> {
  const service = await startService({
    settings: { TRUSTED_PROXIES: trusted, LIMIT_REGISTER_NETWORK: '100/1h', LIMIT_REFRESH_NETWORK: '2/1h' },
  })
  try {
    await run(service)
    expect(service.logged).toEqual([])
  } finally {
    await service.close()
  }
}

/** The IP address of a session that was started with these headers. */
async function addressSeen(
  service: Service,
  headers: Record<string, string>,
): Promise<string | null | undefined> {
  const input = { email: newAddress(), password: PASSWORD }
  const { data } = await service.send(Register, { input }, { headers })
  return data?.register.__typename === 'AuthPayload' ? data.register.session.ipAddress : undefined
}

const SPOOFS: Record<string, string>[] = [
  { 'x-forwarded-for': '203.0.113.7' },
  { 'x-forwarded-for': '127.0.0.1, 203.0.113.7, 127.0.0.1' },
  { forwarded: 'for=203.0.113.7' },
  { 'x-real-ip': '203.0.113.7' },
  { 'x-client-ip': '203.0.113.7', 'true-client-ip': '203.0.113.7', 'cf-connecting-ip': '203.0.113.7' },
]

test.each([
  ['no trusted proxy', ''],
  ['other trusted proxies', '10.0.0.0/8, 2001:db8::/32'],
])(
  'with %s, the client’s address is that of its connection, whatever its headers claim',
  async (_case, trusted) => {
    await withProxies(trusted, async service => {
      for (const headers of SPOOFS) expect(await addressSeen(service, headers)).toMatch(SOCKET)
    })
  },
)

test.each<[string, string, Record<string, string>, string | null | RegExp]>([
  ['says whom it speaks for', LOOPBACK, { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
  [
    'is the last of two that are trusted',
    `${LOOPBACK}, 10.0.0.0/8`,
    { 'x-forwarded-for': '203.0.113.7, 10.1.2.3' },
    '203.0.113.7',
  ],
  [
    'hands on what a client made up',
    LOOPBACK,
    { 'x-forwarded-for': '192.0.2.1, 127.0.0.1, 203.0.113.7' },
    '203.0.113.7',
  ],
  [
    'comes after one that is not trusted',
    LOOPBACK,
    { 'x-forwarded-for': '203.0.113.7, 10.1.2.3' },
    '10.1.2.3',
  ],
  ['speaks for an IPv6 client', LOOPBACK, { 'x-forwarded-for': '2001:DB8:0:0::7' }, '2001:db8::7'],
  ['writes IPv4 as IPv6', LOOPBACK, { 'x-forwarded-for': '::ffff:203.0.113.7' }, '203.0.113.7'],
  ['writes no address', LOOPBACK, { 'x-forwarded-for': 'unknown' }, null],
  ['says nothing', LOOPBACK, {}, SOCKET],
  ['uses only other headers', LOOPBACK, { forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7' }, SOCKET],
])('a trusted proxy that %s', async (_case, trusted, headers, expected) => {
  await withProxies(trusted, async service => {
    const seen = await addressSeen(service, headers)
    if (expected instanceof RegExp) expect(seen).toMatch(expected)
    else expect(seen).toBe(expected)
  })
})

test('a client cannot escape its limit by changing its headers', async () => {
  const refresh = 'mutation { refreshToken(input: { refreshToken: "none" }) { accessToken } }'
  await withProxies('10.0.0.0/8', async service => {
    const replies = []
    for (const headers of SPOOFS) replies.push(await service.send(refresh, {}, { headers }))
    expect(replies.flatMap(codes)).toEqual([
      ...Array(2).fill('REFRESH_TOKEN_INVALID'),
      ...Array(3).fill('RATE_LIMITED'),
    ])
  })
})
