/** How a person can prove who they are. RFC 8176 has the `amr` values of tokens; see sessions/assurance.ts. */
export type AuthMethod = 'PASSWORD' | 'EMAIL' | 'PASSKEY' | 'SECURITY_KEY' | 'TOTP' | 'RECOVERY_CODE'

/** A successful check of a credential. Sessions start only from proofs. */
export type Proof = {
  accountId: string
  method: AuthMethod
  at: Date
}
