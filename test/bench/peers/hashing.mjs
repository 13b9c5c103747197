// The same hashes as the service's, from the same library, for both peers.
import { hash, verify } from '@node-rs/argon2'

const [memoryCost, timeCost, parallelism] = process.env.ARGON2.split(' ').map(Number)

export const hashPassword = password => hash(password, { memoryCost, timeCost, parallelism })
export const verifyPassword = (stored, password) => verify(stored, password)
