/** The cookies that a browser has of one host. */
export class CookieJar {
  readonly #cookies = new Map<string, { value: string; sameSite: string }>()

  /** Does what an answer says about cookies. */
  keep(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [[name, value] = ['', ''], ...attributes] = line.split('; ').map(pairOf)
      const given = new Map(attributes)
      if (Date.parse(given.get('Expires') ?? '') <= Date.now()) this.#cookies.delete(name)
      else this.#cookies.set(name, { value, sameSite: given.get('SameSite') ?? 'Lax' })
    }
  }

  /** What it sends with a page that is opened, or with a form that another site posts; undefined for nothing. */
  header({ crossSitePost = false } = {}): string | undefined {
    const sent = [...this.#cookies].filter(([, { sameSite }]) => !crossSitePost || sameSite === 'None')
    return sent.map(([name, { value }]) => `${name}=${value}`).join('; ') || undefined
  }
}

function pairOf(text: string): [name: string, value: string] {
  const [name = '', value = ''] = text.split('=')
  return [name, value]
}
