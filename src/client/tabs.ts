import type { User } from './types.ts'

/** What the clients that share a session tell each other. */
export type Message =
  | {
      readonly type: 'session'
      readonly sessionId: string
      readonly user: User
      readonly accessToken: string
      /** How long the token is still good; clocks are not compared. */
      readonly leftMs: number
    }
  /** Without an id: whatever session there was. */
  | { readonly type: 'ended'; readonly sessionId: string | undefined }

export type Channel = { tell(message: Message): void; close(): void }

export const NO_CHANNEL: Channel = { tell: () => {}, close: () => {} }

/**
 * Joins the clients of the same name in this browser. A BroadcastChannel reaches the pages of one origin
 * and nobody else: whoever can listen here can use the session anyway.
 */
export function joinChannel(name: string | undefined, hear: (message: Message) => void): Channel {
  if (name === undefined || typeof BroadcastChannel === 'undefined') return NO_CHANNEL
  let channel: BroadcastChannel
  try {
    channel = new BroadcastChannel(name)
  } catch {
    // Forbidden here, as where the user blocks all storage.
    return NO_CHANNEL
  }
  channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data)
  // Node would wait for further messages for ever; browsers have no such method.
  ;(channel as { unref?: () => void }).unref?.()
  return { tell: message => channel.postMessage(message), close: () => channel.close() }
}
