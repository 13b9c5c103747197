// The baseline for `login` and `register`: only argon2, with the same concurrency as the service, in its own process.
// Answers each message { task, ms } with the calls per second.
import argon2 from 'argon2'
import { loadConfig } from '../../src/config.ts'

export type Order = { task: 'hash' | 'verify'; ms: number }

const { memoryKib, timeCost, parallelism, concurrency } = loadConfig(process.env).hashing
const options = { type: argon2.argon2id, memoryCost: memoryKib, timeCost, parallelism } as const
const password = 'seventeen brass engines'
const stored = await argon2.hash(password, options)
const tasks = {
  hash: () => argon2.hash(password, options),
  verify: () => argon2.verify(stored, password),
}

async function rateOf({ task, ms }: Order): Promise<number> {
  const start = performance.now()
  let calls = 0
  const caller = async () => {
    while (performance.now() - start < ms) {
      await tasks[task]()
      calls++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  return calls / ((performance.now() - start) / 1000)
}

process.on('message', (order: Order) => {
  void rateOf(order).then(rate => process.send?.(rate))
})
process.send?.('ready')
