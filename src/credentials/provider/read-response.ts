const decoder = new TextDecoder()

/** A response with status 200 whose body has been read. It has what the protocol libraries use of a `Response`. */
class ReadResponse {
  readonly ok = true
  readonly status = 200
  readonly body = null
  bodyUsed = false
  readonly #fields: Record<string, string>
  readonly #bytes: Uint8Array
  #headers: Headers | undefined

  constructor(fields: Record<string, string>, bytes: Uint8Array) {
    this.#fields = fields
    this.#bytes = bytes
  }

  /** The libraries recognize a `Response` by this. */
  get [Symbol.toStringTag](): string {
    return 'Response'
  }

  get headers(): Headers {
    this.#headers ??= new Headers(this.#fields)
    return this.#headers
  }

  async text(): Promise<string> {
    this.bodyUsed = true
    return decoder.decode(this.#bytes)
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  clone(): ReadResponse {
    return new ReadResponse(this.#fields, this.#bytes)
  }
}

/**
 * A successful response whose body is in memory. A `Response` of the platform makes streams for its body and validates
 * each header, which takes as long as the request itself.
 */
export function readResponse(fields: Record<string, string>, bytes: Uint8Array): Response {
  // No caller uses what is missing, such as `formData`.
  return new ReadResponse(fields, bytes) as unknown as Response
}
