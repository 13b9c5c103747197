import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import { isoCBOR } from '@simplewebauthn/server/helpers'

const FLAG_USER_PRESENT = 0x01
const FLAG_USER_VERIFIED = 0x04
const FLAG_BACKUP_ELIGIBLE = 0x08
const FLAG_BACKED_UP = 0x10
const FLAG_ATTESTED = 0x40

/** What an attacker or an odd authenticator does differently from an honest browser. */
export type Ceremony = {
  origin?: string
  rpId?: string
  type?: string
  challenge?: string
  crossOrigin?: boolean
  topOrigin?: string
  userPresent?: boolean
  userVerified?: boolean
  counter?: number
  /** Signs with a key that is not the credential's. */
  forged?: boolean
  userHandle?: string
}

/** An authenticator in software, with the browser around it: one credential, by default synced as a phone's are. */
export class SoftAuthenticator {
  readonly credentialId = randomBytes(16)
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #synced: boolean
  #counter = 0
  #userHandle: string | undefined

  constructor(
    readonly origin: string,
    { synced = true } = {},
  ) {
    this.#synced = synced
  }

  get id(): string {
    return this.credentialId.toString('base64url')
  }

  /** The public key as a COSE_Key, such as an export of another system has it. */
  get coseKey(): Uint8Array {
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' })
    return isoCBOR.encode(
      new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, fromBase64(x)],
        [-3, fromBase64(y)],
      ]),
    )
  }

  /** The user handle that the credential was created with, base64url. */
  adopt(userHandle: string): this {
    this.#userHandle = userHandle
    return this
  }

  create(
    { challenge, rp, user }: PublicKeyCredentialCreationOptionsJSON,
    ceremony: Ceremony = {},
  ): RegistrationResponseJSON {
    this.#userHandle = user.id
    const client = this.#clientData('webauthn.create', challenge, ceremony)
    const id = this.credentialId
    const attested = Buffer.concat([
      Buffer.alloc(16),
      Buffer.from([id.length >> 8, id.length & 0xff]),
      id,
      this.coseKey,
    ])
    const authData = Buffer.concat([
      this.#authenticatorData(rp.id ?? '', { ...ceremony, counter: ceremony.counter ?? 0 }, FLAG_ATTESTED),
      attested,
    ])
    const attestation = isoCBOR.encode(
      new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', new Uint8Array(authData)],
      ]) as never,
    )
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: { credProps: { rk: true } },
      response: {
        clientDataJSON: client.toString('base64url'),
        attestationObject: Buffer.from(attestation).toString('base64url'),
        transports: ['internal', 'hybrid'],
      },
    }
  }

  get(
    { challenge, rpId }: PublicKeyCredentialRequestOptionsJSON,
    ceremony: Ceremony = {},
  ): AuthenticationResponseJSON {
    const client = this.#clientData('webauthn.get', challenge, ceremony)
    if (!this.#synced) this.#counter++
    const authData = this.#authenticatorData(rpId ?? '', { counter: this.#counter, ...ceremony })
    const userHandle = ceremony.userHandle ?? this.#userHandle
    const signed = Buffer.concat([authData, createHash('sha256').update(client).digest()])
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: sign(signed, ceremony.forged ? this.#stranger.privateKey : this.#keys.privateKey),
        ...(userHandle !== undefined && { userHandle }),
      },
    }
  }

  #clientData(type: string, challenge: string, ceremony: Ceremony): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: ceremony.type ?? type,
        challenge: ceremony.challenge ?? challenge,
        origin: ceremony.origin ?? this.origin,
        crossOrigin: ceremony.crossOrigin ?? false,
        ...(ceremony.topOrigin !== undefined && { topOrigin: ceremony.topOrigin }),
      }),
    )
  }

  #authenticatorData(rpId: string, ceremony: Ceremony & { counter: number }, more = 0): Buffer {
    const flags =
      (ceremony.userPresent === false ? 0 : FLAG_USER_PRESENT) |
      (ceremony.userVerified === false ? 0 : FLAG_USER_VERIFIED) |
      (this.#synced ? FLAG_BACKUP_ELIGIBLE | FLAG_BACKED_UP : 0) |
      more
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(ceremony.counter)
    const rpIdHash = createHash('sha256')
      .update(ceremony.rpId ?? rpId)
      .digest()
    return Buffer.concat([rpIdHash, Buffer.from([flags]), counter])
  }
}

function sign(data: Buffer, key: KeyObject): string {
  return createSign('sha256').update(data).sign(key).toString('base64url')
}

function fromBase64(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64url'))
}
