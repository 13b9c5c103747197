import type { ImportRow } from './import-row.ts'

export type SkippedRecord = { line: number; email?: string; reason: string }

export type ImportReport = {
  dryRun: boolean
  /** Whether the import was stopped by its signal. */
  interrupted: boolean
  /** Number of records in the file. */
  read: number
  /** Number of accounts created. */
  taken: number
  /** Accounts in `taken` without a password and without an identity at a provider. */
  withoutPassword: number
  /** Accounts in `taken` whose password hash is cheap to attack until their owner signs in. */
  weakHashes: number
  /** Accounts in `taken` with an authenticator app. */
  withTotp: number
  /** Number of passkeys and security keys of the accounts in `taken`. */
  passkeys: number
  /** Passkeys that were left out, because another account has them. */
  passkeysInUse: number
  /** Number of identities at providers of the accounts in `taken`. */
  identities: number
  /** Identities that were left out, because another account has them. */
  identitiesInUse: number
  /** Records of accounts that already existed. These accounts stay unchanged. */
  alreadyThere: number
  /** Number of records with problems. */
  skipped: number
  /** The problems, most frequent first, with the first lines of each. */
  reasons: { reason: string; count: number; lines: number[] }[]
  /** Names in the file that match no field. */
  ignored: string[]
  /** Duration of the import. */
  seconds: number
}

/** What the database took of an account's passkeys and identities. */
export type Stored = { passkeys: number; identities: number }

const REASONS_MAX = 1000
const IGNORED_MAX = 100
const LINES_SHOWN = 3

/** Counts what becomes of each record. Its memory is bounded. */
export class ImportTally {
  readonly #onSkip: ((skipped: SkippedRecord) => void) | undefined
  readonly #reasons = new Map<string, { reason: string; count: number; lines: number[] }>()
  readonly #ignored = new Set<string>()
  readonly #startedMs = performance.now()
  #read = 0
  #imported = 0
  #withoutPassword = 0
  #weakHashes = 0
  #withTotp = 0
  #passkeys = 0
  #passkeysInUse = 0
  #identities = 0
  #identitiesInUse = 0
  #existing = 0
  #skipped = 0

  constructor(onSkip: ((skipped: SkippedRecord) => void) | undefined) {
    this.#onSkip = onSkip
  }

  countRead(): void {
    this.#read++
  }

  /** `stored` is absent in a dry run, which does not notice what another account has. */
  countImported({ user, weakHash, totp, passkeys, identities }: ImportRow, stored?: Stored): void {
    if (totp) this.#withTotp++
    const kept = stored ?? { passkeys: passkeys.length, identities: identities.length }
    this.#passkeys += kept.passkeys
    this.#passkeysInUse += passkeys.length - kept.passkeys
    this.#identities += kept.identities
    this.#identitiesInUse += identities.length - kept.identities
    this.#imported++
    if (user.passwordHash === null && identities.length === 0) this.#withoutPassword++
    if (weakHash) this.#weakHashes++
  }

  countExisting(): void {
    this.#existing++
  }

  skip(skipped: SkippedRecord): void {
    this.#skipped++
    this.#onSkip?.(skipped)
    const { reason } = skipped
    const known = this.#reasons.get(reason)
    const entry = known ?? { reason, count: 0, lines: [] }
    entry.count++
    if (entry.lines.length < LINES_SHOWN) entry.lines.push(skipped.line)
    if (!known && this.#reasons.size < REASONS_MAX) this.#reasons.set(reason, entry)
  }

  ignore(name: string): void {
    if (this.#ignored.size < IGNORED_MAX) this.#ignored.add(name)
  }

  report({ dryRun, interrupted }: Pick<ImportReport, 'dryRun' | 'interrupted'>): ImportReport {
    return {
      dryRun,
      interrupted,
      read: this.#read,
      taken: this.#imported,
      withoutPassword: this.#withoutPassword,
      weakHashes: this.#weakHashes,
      withTotp: this.#withTotp,
      passkeys: this.#passkeys,
      passkeysInUse: this.#passkeysInUse,
      identities: this.#identities,
      identitiesInUse: this.#identitiesInUse,
      alreadyThere: this.#existing,
      skipped: this.#skipped,
      reasons: [...this.#reasons.values()].sort((a, b) => b.count - a.count),
      ignored: [...this.#ignored].sort(),
      seconds: Math.round(performance.now() - this.#startedMs) / 1000,
    }
  }
}
