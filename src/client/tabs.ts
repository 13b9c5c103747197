import type { User } from './types.ts'

/** A message between clients that share a session. */
export type Message =
  | {
      readonly type: 'session'
      readonly sessionId: string
      readonly user: User
      readonly accessToken: string
      /** The token's remaining lifetime. A duration, because clocks may differ. */
      readonly leftMs: number
      readonly boundToKey?: boolean | undefined
    }
  /** Without an ID, whichever session is active ends. */
  | { readonly type: 'ended'; readonly sessionId: string | undefined; readonly revoked?: boolean }
  /** An operation may have ended the session: ask the server. */
  | { readonly type: 'recheck' }

/** Longer than an exchange with all its repeats takes, unless the network is very slow. */
export const MAX_WAIT_MS = 15_000

export type Channel = { send(message: Message): void; close(): void }

export const NO_CHANNEL: Channel = { send: () => {}, close: () => {} }

/**
 * Joins the clients of the same name in this browser. A BroadcastChannel reaches only pages of the same
 * origin, which can use the session anyway.
 */
export function joinChannel(name: string | undefined, receive: (message: Message) => void): Channel {
  if (name === undefined || typeof BroadcastChannel === 'undefined') return NO_CHANNEL
  let channel: BroadcastChannel
  try {
    channel = new BroadcastChannel(name)
  } catch {
    // The browser forbids it, for example when the user blocks all storage.
    return NO_CHANNEL
  }
  channel.onmessage = ({ data }: MessageEvent<Message>) => receive(data)
  // Keeps Node from staying alive for the channel. Browsers have no such method.
  ;(channel as { unref?: () => void }).unref?.()
  return { send: message => channel.postMessage(message), close: () => channel.close() }
}
