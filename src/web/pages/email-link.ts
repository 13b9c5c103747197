import { AuthError } from '../../client/index.ts'
import { useAuth } from '../../client/react.ts'
import { EmailLinkDocument, type EmailLinkQuery } from '../generated/graphql.ts'
import { useLinkToken } from '../link-token.ts'
import { useQuery } from '../use-query.ts'

export type EmailLink = EmailLinkQuery['emailLink']

export type OpenedLink = {
  /** Empty if the link has none. */
  token: string
  /** What the server says about the link; undefined until it answers, and if it cannot. */
  link: EmailLink | undefined
  state: 'loading' | 'open' | 'incomplete' | 'dead'
}

/** The link in an email that opened this page. */
export function useEmailLink(): OpenedLink {
  const { client } = useAuth()
  const token = useLinkToken() ?? ''
  const query = useQuery(token, async () => {
    if (token === '') return undefined
    const { emailLink } = await client.request(EmailLinkDocument, { token })
    return emailLink
  })
  const { data, error, loading } = query
  if (token === '') return { token, link: undefined, state: 'incomplete' }
  if (error instanceof AuthError && error.code === 'TOKEN_INVALID')
    return { token, link: undefined, state: 'dead' }
  // Without an answer the form still works: redeeming the token says what is wrong.
  return { token, link: data, state: loading && !data ? 'loading' : 'open' }
}
