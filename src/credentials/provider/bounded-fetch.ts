import type { IncomingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { gatherFor, SIGN_INS_MAX } from '../../end-of-turn.ts'
import { isSafeUrl } from '../../provider-settings/read.ts'
import { type FailedCheck, FetchFailure } from './failure.ts'
import { readResponse } from './read-response.ts'

/** Providers answer in well under a second. A person waits for this. */
export const FETCH_TIMEOUT_MS = 5000
/** Discovery documents and key sets have a few KiB. */
export const RESPONSE_MAX_BYTES = 1024 * 1024

const USER_AGENT = 'authograph'

/** Shorter than servers keep a connection, so that no request meets one that is being closed. */
const IDLE_MS = 4000
/** One limit counts for a whole request. */
const CONNECTION = { keepAliveTimeout: IDLE_MS, headersTimeout: 0, bodyTimeout: 0 }

let connections: Promise<Dispatcher> | undefined

/** Providers answer one by one. The answers of a few turns are checked together: it takes three quarters of the time. */
const gathered = gatherFor(8, SIGN_INS_MAX)

type FetchOptions = {
  method?: string
  headers?: RequestInit['headers']
  /** A text or a form. */
  body?: RequestInit['body'] | Uint8Array
  signal?: AbortSignal | null | undefined
}

export type BoundedFetch = (url: string, options?: FetchOptions) => Promise<Response>

/**
 * Fetches from a provider: only over https (http only to this machine and outside production), within 5 seconds
 * including the body, at most 1 MiB after decompression, and without following redirects. Keeps connections open for the
 * next request. `fetch` and `node:http` take several times as much processor time.
 * @throws FetchFailure
 */
export function boundedFetch(production: boolean): BoundedFetch {
  // Most requests to a provider go where the one before went.
  let latest: Target | undefined
  return async (address, options = {}) => {
    latest = latest?.address === address ? latest : targetOf(address, production)
    const request = toRequest(latest, options)
    const { status, headers, bytes } = await answerTo(await connected(), request, options.signal)
    await gathered()
    const body = await decoded(bytes, headers['content-encoding'])
    const fields = fieldsOf(headers)
    if (status === 200) return readResponse(fields, body)
    return new Response(body.byteLength > 0 ? body : null, { status, headers: fields })
  }
}

/** The connections of this process to all providers. The library is loaded with the first use of one. */
function connected(): Promise<Dispatcher> {
  connections ??= import('undici').then(({ Agent }) => new Agent(CONNECTION))
  return connections
}

type Target = { address: string; origin: string; path: string }

/** @throws FetchFailure for an address that is not protected */
function targetOf(address: string, production: boolean): Target {
  if (!isSafeUrl(address, production)) throw new FetchFailure('insecure address')
  const { origin, pathname, search } = new URL(address)
  return { address, origin, path: pathname + search }
}

function toRequest(
  { origin, path }: Target,
  { method = 'GET', headers: given, body }: FetchOptions,
): Dispatcher.DispatchOptions {
  const headers = namedOf(given)
  // GitHub refuses requests without one.
  headers['user-agent'] = USER_AGENT
  headers['accept-encoding'] = 'identity'
  return { origin, path, method, headers, body: textOf(body, headers) }
}

function namedOf(headers: FetchOptions['headers']): Record<string, string> {
  const isList = headers instanceof Headers || Array.isArray(headers)
  return isList ? Object.fromEntries(headers) : { ...(headers as Record<string, string> | undefined) }
}

function textOf(body: FetchOptions['body'], headers: Record<string, string>): string | null {
  if (body === null || body === undefined) return null
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) {
    headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8'
    return body.toString()
  }
  throw new Error('Such a body is not sent to providers')
}

type Answer = { status: number; headers: IncomingHttpHeaders; bytes: Buffer<ArrayBuffer> }

/** The whole answer, in memory, so that no later reader can exceed the limits. */
function answerTo(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  signal: FetchOptions['signal'],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let failure: FetchFailure | undefined
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    }
    const fail = (check: FailedCheck) => {
      if (failure) return
      failure = new FetchFailure(check)
      end()
      reject(failure)
      controller?.abort(failure)
    }
    const giveUp = () => fail('timeout')
    const timer = setTimeout(giveUp, FETCH_TIMEOUT_MS)
    if (signal?.aborted) return giveUp()
    signal?.addEventListener('abort', giveUp)
    let status = 0
    let headers: IncomingHttpHeaders = {}
    const chunks: Buffer[] = []
    let length = 0
    dispatcher.dispatch(request, {
      onRequestStart(started) {
        controller = started
        // It waited for a connection, and for too long.
        if (failure) started.abort(failure)
      },
      onResponseStart(_controller, statusCode, given) {
        status = statusCode
        headers = given
        if (status >= 300 && status < 400) fail('redirect')
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk)
        length += chunk.byteLength
        if (length > RESPONSE_MAX_BYTES) fail('response too large')
      },
      onResponseEnd() {
        end()
        resolve({ status, headers, bytes: Buffer.concat(chunks) })
      },
      onResponseError: () => fail('unreachable'),
    })
  })
}

/** Some servers encode an answer although they were asked not to. */
const DECODERS: Readonly<
  Record<string, (bytes: Buffer, limits: { maxOutputLength: number }) => Promise<Buffer<ArrayBuffer>>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

async function decoded(bytes: Buffer<ArrayBuffer>, given: string | undefined): Promise<Buffer<ArrayBuffer>> {
  const encoding = given?.trim().toLowerCase()
  if (encoding === undefined || encoding === 'identity') return bytes
  const decode = DECODERS[encoding]
  if (!decode) throw new FetchFailure('unreachable')
  try {
    return await decode(bytes, { maxOutputLength: RESPONSE_MAX_BYTES })
  } catch (error) {
    const isLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new FetchFailure(isLarge ? 'response too large' : 'unreachable')
  }
}

/** The headers of an answer whose body has been decoded. */
function fieldsOf(given: IncomingHttpHeaders): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === 'content-encoding' || name === 'content-length' || value === undefined) continue
    fields[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return fields
}
