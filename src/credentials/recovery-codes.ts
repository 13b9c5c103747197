import { randomInt } from 'node:crypto'

/** Crockford's base 32: no I, L, O or U, so that a code survives being read aloud and copied by hand. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** The first character names the slot; 15 random ones are 75 bits. */
const RANDOM_LENGTH = 15
const GROUP_LENGTH = 4

export const RECOVERY_CODE_COUNT = 10

export type RecoveryCode = {
  /** 0 to 9. It is part of the code, so that checking one costs one hash. */
  slot: number
  /** Normalized: 16 characters without separators. Only its hash is stored. */
  code: string
}

/** Ten new codes, one for each slot. */
export function newRecoveryCodes(): RecoveryCode[] {
  return Array.from({ length: RECOVERY_CODE_COUNT }, (_, slot) => ({
    slot,
    code:
      ALPHABET[slot] +
      Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join(''),
  }))
}

/** The code as a person sees it, such as `3K7Q-0V9D-XWEM-8R2T`. */
export function displayRecoveryCode(code: string): string {
  return (code.match(new RegExp(`.{${GROUP_LENGTH}}`, 'g')) ?? []).join('-')
}

/**
 * What a person typed, normalized as Crockford asks: case and separators do not matter, I and L are 1, O is 0.
 * Undefined if it cannot be a code.
 */
export function parseRecoveryCode(text: string): RecoveryCode | undefined {
  const code = text.toUpperCase().replace(/[\s-]/g, '').replace(/[IL]/g, '1').replace(/O/g, '0')
  if (!new RegExp(`^[${ALPHABET}]{${1 + RANDOM_LENGTH}}$`).test(code)) return undefined
  const slot = ALPHABET.indexOf(code[0] ?? '')
  return slot < RECOVERY_CODE_COUNT ? { slot, code } : undefined
}
