import { expect } from '@jest/globals'
import type { Session } from '../../src/generated/prisma/client.ts'
import { isBurned, parentOf, RACE_SECONDS } from '../../src/sessions/generations.ts'
import { type SignedIn, signIn } from './actors.ts'
import { freshProof, type Key, newKey, refreshBound, refusal, signInBound } from './bound-client.ts'
import { claimsOf } from './forge.ts'
import { codes, type Service } from './service.ts'
import { MINUTE, pairOf, refresh, stateOf } from './sessions.ts'

export type Name = 'owner' | 'thief'

/** What a holder of a session's tokens does. A lost answer leaves the server, and arrives nowhere. */
export type Act = 'refresh' | 'refresh, answer lost' | 'refresh in two tabs' | 'use'

/** The tokens that a holder has, and what happened to the holder since the theft. */
type Holder = {
  refreshToken: string
  accessToken: string
  accessIssuedAt: number
  acted: boolean
  /** The number of the step in which they last got tokens; undefined before. */
  gotAt: number | undefined
  /** Whether an answer to them was lost after they first got tokens since the other one did. */
  lostSince: boolean
}

/** What can be gone back to. */
export type Snapshot = {
  row: Session
  holders: Holders
  step: number
  seconds: number
  /**
   * The same for two situations that nothing which follows can tell apart, so that one of them needs no following.
   * What a holder has counts by how far it is behind the session, and not at all once it is behind for good.
   */
  situation: string
}
type Holders = Record<Name, Holder>

/**
 * A session and the people who hold its tokens, told from where they stand: every step is a request over HTTP,
 * and what it must bring follows from what they have seen, not from how the server decides.
 */
export class Story {
  readonly #service: Service
  readonly sessionId: string
  /** The key that the session is bound to, which only the owner has. */
  readonly #key: Key | undefined
  /** The last proof that the owner sent. */
  #proof: string | undefined
  #holders: Holders
  #step = 0
  #seconds = 0

  private constructor(
    service: Service,
    { sessionId, refreshToken, accessToken }: Pick<SignedIn, 'sessionId' | 'refreshToken' | 'accessToken'>,
    key?: Key,
  ) {
    this.#service = service
    this.#key = key
    this.sessionId = sessionId
    const holder = { refreshToken, accessToken, accessIssuedAt: 0, acted: false, gotAt: undefined }
    this.#holders = { owner: { ...holder, lostSince: false }, thief: { ...holder, lostSince: false } }
  }

  /** A new session, of which both hold the first tokens. */
  static async begin(service: Service, email: string): Promise<Story> {
    return new Story(service, await signIn(service, email))
  }

  /** The same of a session that is bound to a key. */
  static async beginBound(service: Service, email: string): Promise<Story> {
    const bound = await signInBound(service, email)
    return new Story(service, bound, bound.key)
  }

  /**
   * The thief, who copies everything but the key, tries every token that the owner had first or has now: without a proof,
   * with one of another key, and with the last one of the owner. Returns the number of attempts, none of which brings
   * tokens or changes the session.
   */
  async attack(): Promise<number> {
    const where = { id: this.sessionId }
    const before = await this.#service.app.db.session.findUniqueOrThrow({ where })
    const { owner, thief } = this.#holders
    const attempts = [...new Set([owner.refreshToken, thief.refreshToken])].flatMap(token =>
      [undefined, freshProof(this.#service, newKey()), this.#proof ?? 'x'].map(proof => ({ token, proof })),
    )
    for (const { token, proof } of attempts) {
      const reply = await refreshBound(this.#service, token, proof)
      expect(refusal(reply)).toMatch(/^REFRESH_TOKEN_INVALID DPOP_(?:INVALID|NONCE)$/)
      expect(reply.data?.refreshToken).toBeUndefined()
    }
    expect(await this.#service.app.db.session.findUniqueOrThrow({ where })).toEqual(before)
    return attempts.length
  }

  /** The thief copies the owner's current tokens. No request has been sent since. */
  steal(): void {
    const { owner } = this.#holders
    const copied = { ...owner, acted: false, gotAt: undefined, lostSince: false }
    this.#holders = { owner: copied, thief: { ...copied } }
  }

  wait(seconds: number): void {
    this.#service.clock.advance(seconds)
    this.#seconds += seconds
  }

  /** Takes a step and checks what came of it; returns whether the session goes on. */
  async take(name: Name, act: Act): Promise<boolean> {
    const holder = this.#holders[name]
    const other = this.#holders[name === 'owner' ? 'thief' : 'owner']
    holder.acted = true
    this.#step += 1
    const live = act === 'use' ? await this.#use(holder, other) : await this.#refresh(holder, other, act)
    // One holder alone is never signed out, whatever was lost.
    if (!live) expect({ name, act, bothActed: other.acted }).toEqual({ name, act, bothActed: true })
    return live
  }

  async #use(holder: Holder, other: Holder): Promise<boolean> {
    const state = await stateOf(this.#service, holder.accessToken)
    if (state === 'EXPIRED') {
      expect(this.#seconds - holder.accessIssuedAt).toBeGreaterThanOrEqual(10 * MINUTE)
      return true
    }
    if (state === 'REVOKED') return false
    expect(state).toBe('LIVE')
    // They got tokens, the other one did too, and they come back: until the other one burns more, that shows.
    expect(wasOvertaken(holder, other) && !other.lostSince).toBe(false)
    return true
  }

  async #refresh(holder: Holder, other: Holder, act: Exclude<Act, 'use'>): Promise<boolean> {
    const send = () => {
      if (!this.#key) return refresh(this.#service, holder.refreshToken)
      this.#proof = freshProof(this.#service, this.#key)
      return refreshBound(this.#service, holder.refreshToken, this.#proof)
    }
    const replies = act === 'refresh in two tabs' ? await Promise.all([send(), send()]) : [await send()]
    const refused = replies.flatMap(codes)
    if (refused.length > 0) {
      expect(new Set(refused)).toEqual(new Set(['REFRESH_TOKEN_INVALID']))
      expect(refused).toHaveLength(replies.length)
      return false
    }
    // Of two holders who both go on, the first to return is refused.
    expect(wasOvertaken(holder, other)).toBe(false)
    if (act === 'refresh, answer lost') {
      if (holder.gotAt !== undefined) holder.lostSince = true
      return true
    }
    const [pair, twin = pair] = replies.map(pairOf)
    if (!pair || !twin) throw new Error('no answer')
    expect(twin.refreshToken).toBe(pair.refreshToken)
    expect(pair.refreshToken).not.toBe(holder.refreshToken)
    const { refreshToken, accessToken } = pair
    // The first tokens since the other one got some: what is lost from now on counts.
    if ((holder.gotAt ?? -1) <= (other.gotAt ?? -1)) holder.lostSince = false
    Object.assign(holder, { refreshToken, accessToken, accessIssuedAt: this.#seconds, gotAt: this.#step })
    return true
  }

  /** Fails if any holder's tokens still work. */
  async expectOver(): Promise<void> {
    for (const { refreshToken, accessToken } of Object.values(this.#holders)) {
      expect(codes(await refresh(this.#service, refreshToken))).toEqual(['REFRESH_TOKEN_INVALID'])
      expect(await stateOf(this.#service, accessToken)).not.toBe('LIVE')
    }
  }

  async snapshot(): Promise<Snapshot> {
    const row = await this.#service.app.db.session.findUniqueOrThrow({ where: { id: this.sessionId } })
    const holders = structuredClone(this.#holders)
    return { row, holders, step: this.#step, seconds: this.#seconds, situation: this.#situation(row) }
  }

  #situation(row: Session): string {
    const parent = parentOf(row)
    const age = row.rotatedAt ? this.#service.clock.now().getTime() - row.rotatedAt.getTime() : 0
    const { owner, thief } = this.#holders
    const holders = [owner, thief].map(({ refreshToken, accessToken, acted, gotAt, lostSince }) => {
      const refreshed = Number(refreshToken.split('.')[1])
      const used = Number(claimsOf(accessToken).gen)
      const behind = (generation: number) => generation >= parent && row.generation - generation
      return [behind(refreshed), behind(used), isBurned(row, used), acted, gotAt !== undefined, lostSince]
    })
    const later = Math.sign((owner.gotAt ?? 0) - (thief.gotAt ?? 0))
    const seen = row.generationSeenAt !== null
    return JSON.stringify([row.generation - parent, seen, Math.min(age, RACE_SECONDS * 1000), holders, later])
  }

  /** Goes back in time. */
  async restore({ row, holders, step, seconds }: Snapshot): Promise<void> {
    this.wait(seconds - this.#seconds)
    this.#holders = structuredClone(holders)
    this.#step = step
    await this.#service.app.db.session.update({ where: { id: this.sessionId }, data: row })
  }
}

/** Whether both have got tokens since the theft, and the other one later. */
function wasOvertaken(holder: Holder, other: Holder): boolean {
  return holder.gotAt !== undefined && other.gotAt !== undefined && other.gotAt > holder.gotAt
}
