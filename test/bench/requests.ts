import { randomBytes, randomUUID } from 'node:crypto'
import { load, type Source } from './load.ts'

/** `deviceToken` is that of an app that has signed in before. */
export type Account = { email: string; accessToken: string; refreshToken: string; deviceToken?: string }

export const PASSWORD = 'seventeen brass engines'
const TOKENS =
  'accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt session { id } user { id email }'
export const OPERATIONS = {
  typename: '{ __typename }',
  me: 'query Me { me { id email emailVerified username displayName locale roles permissions createdAt updatedAt lastLoginAt passwordChangedAt } }',
  refresh: `mutation Refresh($input: RefreshTokenInput) { refreshToken(input: $input) { ${TOKENS} } }`,
  login: `mutation Login($input: LoginInput!) { login(input: $input) { ... on AuthPayload { ${TOKENS} } } }`,
  passkey: `mutation Passkey($input: LoginWithPasskeyInput!) { loginWithPasskey(input: $input) { ... on AuthPayload { ${TOKENS} } } }`,
  verify: 'mutation Verify($input: VerifyEmailInput!) { verifyEmail(input: $input) { id } }',
  users: `query Users($first: Int, $last: Int, $after: String, $filter: UserFilter, $orderBy: UserOrder) {
    users(first: $first, last: $last, after: $after, filter: $filter, orderBy: $orderBy) {
      pageInfo { hasNextPage endCursor } nodes { id email username displayName roles createdAt lastLoginAt disabledAt } } }`,
  counted: `query Counted($first: Int, $filter: UserFilter) {
    users(first: $first, filter: $filter) { totalCount nodes { id email displayName roles } } }`,
  events: `query Events($first: Int, $after: String, $filter: AuditFilter) {
    auditLog(first: $first, after: $after, filter: $filter) {
      pageInfo { hasNextPage endCursor } nodes { id at action subject { id email } ipAddress detail } } }`,
  countedEvents: `query CountedEvents($first: Int, $filter: AuditFilter) {
    auditLog(first: $first, filter: $filter) { totalCount nodes { id at action } } }`,
  register: `mutation Register($input: RegisterInput!) { register(input: $input) { ... on AuthPayload { ${TOKENS} deviceToken } } }`,
}

/** The text of a request. */
export function http(start: string, headers: string[], body = ''): string {
  return [start, 'host: 127.0.0.1', ...headers, '', body].join('\r\n')
}

function graphql(operation: keyof typeof OPERATIONS, input?: object, accessToken?: string): string {
  return request(operation, input && { input }, accessToken)
}

function request(operation: keyof typeof OPERATIONS, variables?: object, accessToken?: string): string {
  // One byte a character, as it is sent.
  const body = JSON.stringify({ query: OPERATIONS[operation], variables }).replace(
    /[^\x20-\x7e]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const headers = ['content-type: application/json', `content-length: ${body.length}`]
  if (accessToken) headers.push(`authorization: Bearer ${accessToken}`)
  return http('POST /graphql HTTP/1.1', headers, body)
}

/** The cheapest thing the same server can do. */
export function typename(): Source {
  const request = graphql('typename')
  return { next: () => request }
}

/** `me` with a live session, one for each connection. */
export function me(accounts: Account[]): Source {
  return fixed(accounts.map(({ accessToken }) => graphql('me', undefined, accessToken)))
}

/** What the bare server answers as `me`. */
export function bareMe(accounts: Account[]): Source {
  return fixed(
    accounts.map(({ accessToken }) => http('GET /me HTTP/1.1', [`authorization: Bearer ${accessToken}`])),
  )
}

function fixed(requests: string[]): Source {
  return { next: connection => requests[connection % requests.length] ?? '' }
}

/** What a page has besides its size. With `last`, it is the last page. */
type Page = { after?: string; filter?: object; orderBy?: object; last?: number }

/** A page of `users`, the same again and again; with `totalCount` where it is to be counted too. */
export function users({ accessToken }: Account, page: Page, counted = false): Source {
  const first = page.last === undefined ? 20 : undefined
  return fixed([request(counted ? 'counted' : 'users', { first, ...page }, accessToken)])
}

/** A page of `auditLog`, the same again and again; with `totalCount` where it is to be counted too. */
export function events(
  { accessToken }: Account,
  page: Omit<Page, 'orderBy' | 'last'>,
  counted = false,
): Source {
  return fixed([request(counted ? 'countedEvents' : 'events', { first: 20, ...page }, accessToken)])
}

/** Each connection refreshes its own session with the token that it got the last time. */
export function refresh(accounts: Account[]): Source {
  return {
    next: connection => graphql('refresh', { refreshToken: accounts[connection]?.refreshToken }),
    answered: (connection, body) => Object.assign(accounts[connection] ?? {}, tokensIn(body)),
  }
}

/** One account after the other signs in, from its device if that is known. */
export function login(accounts: Account[]): Source {
  let turn = 0
  return {
    next: () => {
      const { email, deviceToken } = accounts[turn++ % accounts.length] ?? {}
      return graphql('login', { identifier: email, password: PASSWORD, deviceToken })
    },
  }
}

/** One sign-in with a passkey that has answered its ceremony. */
export function passkeyLogin(passkey: { ticket: string; credential: object }, deviceToken: string): string {
  return graphql('passkey', { passkey, deviceToken })
}

/** Registers a new address with each request. `onAccount` receives each new account. */
export function register(onAccount: (account: Account) => void = () => {}): Source {
  const emails: string[] = []
  return {
    next: connection => {
      const email = `${randomUUID()}@example.com`
      emails[connection] = email
      return graphql('register', { email, password: PASSWORD })
    },
    answered: (connection, body) => {
      const deviceToken = tokenIn(body, 'deviceToken')
      onAccount({ email: emails[connection] ?? '', ...tokensIn(body), deviceToken })
    },
  }
}

/** Registers as many accounts. */
export async function makeAccounts(port: number, count: number): Promise<Account[]> {
  const accounts: Account[] = []
  const enough = new AbortController()
  const add = (account: Account) => {
    if (accounts.push(account) >= count) enough.abort()
  }
  await load(port, 2, register(add), enough.signal)
  return accounts.slice(0, count)
}

export function tokensIn(body: string): Omit<Account, 'email'> {
  return { accessToken: tokenIn(body, 'accessToken'), refreshToken: tokenIn(body, 'refreshToken') }
}

function tokenIn(body: string, name: string): string {
  const [, found] = new RegExp(`"${name}":"([^"]+)"`).exec(body) ?? []
  if (!found) throw new Error(`No ${name} in ${body}`)
  return found
}

/** Sign-ins to accounts that do not exist. */
export function badLogins(): Source {
  return refused('INVALID_CREDENTIALS', () =>
    graphql('login', { identifier: `${randomUUID()}@example.com`, password: PASSWORD }),
  )
}

/** Refresh tokens of sessions that do not exist, well-formed otherwise. */
export function badRefreshTokens(): Source {
  return refused('REFRESH_TOKEN_INVALID', () =>
    graphql('refresh', { refreshToken: `${randomUUID()}.0.${randomToken()}` }),
  )
}

/** Tokens like those in email links, but of no email. */
export function badLinks(): Source {
  return refused('TOKEN_INVALID', () => graphql('verify', { token: randomToken() }))
}

function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Requests that never succeed: each answer is RATE_LIMITED, or `code` while attempts are free. They may be put off, too;
 * what is measured beside them may not.
 */
function refused(code: string, next: () => string): Source {
  return {
    next,
    expects: body =>
      ['RATE_LIMITED', 'SERVICE_UNAVAILABLE', code].some(each => body.includes(`"code":"${each}"`)),
  }
}
