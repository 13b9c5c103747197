/** A request as Fetch, Next.js, React Router, Node or Express have it. */
export type SsrRequest = {
  readonly method?: string | undefined
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined
}

export type RequestFacts = {
  readonly cookies: ReadonlyMap<string, string>
  /** Whether the browser repeats the request if the answer is a redirect, without asking and without a body. */
  readonly repeatable: boolean
  /** The headers by which the auth server tells devices and networks apart. */
  readonly forwarded: Record<string, string>
}

export function factsOf({ method, headers, socket }: SsrRequest): RequestFacts {
  const header = (name: string) => {
    const value =
      'get' in headers && typeof headers.get === 'function' ? headers.get(name) : fieldOf(headers, name)
    return value || undefined
  }
  const path = [header('x-forwarded-for'), socket?.remoteAddress].filter(Boolean).join(', ')
  const userAgent = header('user-agent')
  return {
    cookies: cookiesOf(header('cookie') ?? ''),
    repeatable: method === 'GET' || method === 'HEAD',
    forwarded: { ...(userAgent && { 'user-agent': userAgent }), ...(path && { 'x-forwarded-for': path }) },
  }
}

function fieldOf(headers: SsrRequest['headers'], name: string): string | undefined {
  const value = (headers as Readonly<Record<string, string | readonly string[] | undefined>>)[name]
  return typeof value === 'string' ? value : value?.join(', ')
}

/** RFC 6265, section 4.2.1. The values that Authograph sets need no decoding. */
function cookiesOf(header: string): Map<string, string> {
  return new Map(
    header.split(';').map(pair => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )
}

/** An address on this host, without the origin, which a proxy may have changed. `//` would lead to another host. */
export function localAddress(pathAndQuery: string): string {
  return pathAndQuery.replace(/^[/\\]+/, '/')
}
