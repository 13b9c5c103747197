import { isUnauthenticated } from './errors.ts'
import { type Answer, dataOf, type Post, unlessAborted } from './http.ts'
import type { LiveSession } from './live-session.ts'
import type { Proofs } from './proofs.ts'
import type { TypedText } from './typed-text.ts'
import { warnOfKey } from './warn-of-key.ts'

export type RequestOptions = {
  /** Cancels the request: the promise rejects with the signal's reason, and nothing is repeated. */
  signal?: AbortSignal | undefined
}

/**
 * A GraphQL document: text, the output of GraphQL Code Generator with `documentMode: 'string'`, or a parsed
 * document that has kept its text, as from `gql`. Carries the types of its variables and data.
 */
export type TypedDocument<Data, Variables> = Document & {
  readonly __apiType?: (variables: Variables) => Data
}

type Document =
  | string
  // biome-ignore lint/complexity/noBannedTypes: the generated classes extend String.
  | String
  | { readonly kind: 'Document'; readonly loc?: { readonly source: { readonly body: string } } | undefined }

export type Requests = ReturnType<typeof requester>

/** The ways to send an operation to the server. */
export function requester(session: LiveSession, post: Post, proofs: Proofs) {
  async function send<Data>(document: string, variables: unknown, signal?: AbortSignal): Promise<Data> {
    const token = await unlessAborted(signal, session.token())
    const answer = await post<Data>(document, variables, { token: token ?? undefined, signal })
    if (token === null || !isRefused(answer)) return dataOf(answer)
    const next = await unlessAborted(signal, session.renew(token))
    return dataOf(next === null ? answer : await post<Data>(document, variables, { token: next, signal }))
  }

  return {
    /** Sends an operation of this package in the session. */
    asUser: <Data, Variables>(document: TypedText<Data, Variables>, variables: Variables): Promise<Data> =>
      send<Data>(document, variables),

    /** Sends an operation that replaces the session's tokens with this access token, once. */
    withToken: async <Data>(
      document: TypedText<Data, never>,
      variables: unknown,
      token: string,
    ): Promise<Data> => dataOf(await post<Data>(document, variables, { token, key: await proofs.read() })),

    /** Sends an operation that needs no session, and so works while the session cannot be restored. */
    openly: async <Data, Variables>(
      document: TypedText<Data, Variables>,
      variables: Variables,
    ): Promise<Data> => dataOf(await post<Data>(document, variables)),

    /**
     * Sends an operation that starts a session, which it binds to this client's key. A server that does not accept the proof
     * starts one without: it is reachable at another address than its own.
     */
    entering: async <Data, Variables>(
      document: TypedText<Data, Variables>,
      variables: Variables,
    ): Promise<Data> => {
      const key = await proofs.create()
      const answer = await post<Data>(document, variables, { key })
      if (!key || answer.errors?.[0]?.extensions?.reason !== 'DPOP_INVALID') return dataOf(answer)
      warnOfKey('refused')
      return dataOf(await post<Data>(document, variables))
    },

    /**
     * Sends an operation as the signed-in user, or without a token when signed out. When the server answers
     * UNAUTHENTICATED, renews the token and repeats the whole document once. If an operation must not run
     * twice, send it in a document of its own.
     * @throws AuthError if the answer has errors, even beside data; NetworkError; the signal's reason
     */
    request<Data = unknown, Variables = Record<string, unknown>>(
      document: TypedDocument<Data, Variables>,
      ...[variables, options]: Record<string, never> extends Variables
        ? [variables?: Variables, options?: RequestOptions]
        : [variables: Variables, options?: RequestOptions]
    ): Promise<Data> {
      return send<Data>(textOf(document), variables, options?.signal)
    },
  }
}

export function isRefused({ errors }: Answer<unknown>): boolean {
  return Array.isArray(errors) && errors.some(isUnauthenticated)
}

function textOf(document: Document): string {
  if (typeof document === 'string' || document instanceof String) return `${document}`
  if (!document.loc)
    throw new TypeError('This document has no source text. Pass print(document), from graphql.')
  return document.loc.source.body
}
