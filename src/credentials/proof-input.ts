import { z } from 'zod'
import { passkeyField } from './passkey/ceremony-ticket.ts'
import { submittedPasswordField } from './password/new-password.ts'

/** Longer than any code, spaces included. */
const codeField = z.string().max(100, 'Use at most 100 characters.')

const proofFields = {
  password: submittedPasswordField.nullish(),
  emailCode: codeField.nullish(),
  totpCode: codeField.nullish(),
  recoveryCode: codeField.nullish(),
  passkey: passkeyField.nullish(),
}

/** One proof, in exactly one of its fields. */
export const proofField = z
  .object(proofFields)
  .refine(
    proof => Object.values(proof).filter(value => value != null).length === 1,
    'Send exactly one proof.',
  )

export type ProofInput = z.output<typeof proofField>
