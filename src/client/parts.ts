import type { LiveSession } from './live-session.ts'
import type { Requests } from './request.ts'
import type { DeviceToken } from './storage.ts'

/** What the groups of client methods are built from. */
export type Parts = {
  readonly session: LiveSession
  readonly requests: Requests
  /** Undefined with the cookie transport, where the server keeps the device token in a cookie. */
  readonly device: DeviceToken | undefined
  /** How operations that start or replace a session are to answer with its tokens. */
  readonly tokenTransport: 'COOKIE' | 'BODY'
  readonly onError: (error: unknown) => void
}

/** Adds the device token to the input of an operation that accepts one. */
export async function withDevice<Input>({ device }: Parts, input: Input) {
  return { ...input, ...(await device?.read()) }
}
