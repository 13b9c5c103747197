/** An argon2 hash (RFC 9106) in PHC string format. */
export type Argon2 = {
  type: 'i' | 'id'
  version: 16 | 19
  memoryKib: number
  passes: number
  lanes: number
  salt: Buffer
  key: Buffer
}

/** Groups: type, version, memory, passes, lanes, salt, key. */
export const ARGON2_PATTERN =
  '\\$argon2(id|i)\\$(?:v=(16|19)\\$)?m=(\\d{1,10}),t=(\\d{1,10}),p=(\\d{1,10})\\$([A-Za-z0-9+/]{11,128})\\$([A-Za-z0-9+/]{22,128})'

const format = new RegExp(`^${ARGON2_PATTERN}$`)

/** Undefined if the text is not an argon2i or argon2id hash, or has parts that this server never writes or imports. */
export function readArgon2(text: string): Argon2 | undefined {
  const groups = format.exec(text)?.slice(1)
  return groups && toArgon2(groups)
}

/** From the groups of the pattern. */
export function toArgon2(groups: readonly (string | undefined)[]): Argon2 {
  const [type, version, memory, passes, lanes, salt = '', key = ''] = groups
  return {
    type: type === 'i' ? 'i' : 'id',
    // The first version had no such field.
    version: version === '19' ? 19 : 16,
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    key: Buffer.from(key, 'base64'),
  }
}

export function writeArgon2({ type, version, memoryKib, passes, lanes, salt, key }: Argon2): string {
  const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2${type}$v=${version}$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(key)}`
}
