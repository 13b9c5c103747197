import { isSafeUrl } from '../../provider-settings/read.ts'
import { FetchFailure } from './failure.ts'

/** Providers answer in well under a second. A person waits for this. */
export const FETCH_TIMEOUT_MS = 5000
/** Discovery documents and key sets have a few KiB. */
export const RESPONSE_MAX_BYTES = 1024 * 1024

const USER_AGENT = 'authograph'

type FetchOptions = {
  method?: string
  headers?: RequestInit['headers']
  /** Bytes of any buffer, as the protocol library types them. */
  body?: RequestInit['body'] | Uint8Array
  signal?: AbortSignal | null | undefined
}

export type BoundedFetch = (url: string, options?: FetchOptions) => Promise<Response>

/**
 * Fetches from a provider: only over https (http only to this machine and outside production), within 5 seconds
 * including the body, at most 1 MiB after decompression, and without following redirects.
 * @throws FetchFailure
 */
export function boundedFetch(production: boolean): BoundedFetch {
  return async (url, options = {}) => {
    if (!isSafeUrl(url, production)) throw new FetchFailure('insecure address')
    const late = new AbortController()
    // AbortSignal.timeout would abort 5 seconds later also what has been answered.
    const timer = setTimeout(() => late.abort(), FETCH_TIMEOUT_MS)
    const signal = options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal
    const headers = new Headers(options.headers)
    // GitHub refuses requests without one.
    headers.set('user-agent', USER_AGENT)
    try {
      const response = await fetch(url, {
        method: options.method ?? 'GET',
        headers,
        body: (options.body ?? null) as NonNullable<RequestInit['body']> | null,
        signal,
        redirect: 'manual',
      })
      if (response.status >= 300 && response.status < 400) {
        await response.body?.cancel()
        throw new FetchFailure('redirect')
      }
      return await readWhole(response)
    } catch (error) {
      if (error instanceof FetchFailure) throw error
      throw new FetchFailure(signal.aborted ? 'timeout' : 'unreachable')
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Reads the body, so that no later reader can exceed the limits. */
async function readWhole(response: Response): Promise<Response> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the body.
    if (bytes > RESPONSE_MAX_BYTES) throw new FetchFailure('response too large')
    chunks.push(chunk)
  }
  const headers = new Headers(response.headers)
  // The body has been decoded.
  headers.delete('content-encoding')
  headers.delete('content-length')
  const body = bytes > 0 ? Buffer.concat(chunks) : null
  return new Response(body, { status: response.status, headers })
}
