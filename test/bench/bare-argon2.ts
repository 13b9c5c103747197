// The baseline for `login` and `register`: only argon2, with the same concurrency as the service, in its own process.
// Answers each message { task, ms } with the calls, and the calls per second.
import argon2 from 'argon2'
import { loadConfig } from '../../src/config.ts'

export type Order = { task: 'hash' | 'verify'; ms: number }
export type Done = { calls: number; rate: number }

const { memoryKib, timeCost, parallelism, concurrency } = loadConfig(process.env).hashing
const options = { type: argon2.argon2id, memoryCost: memoryKib, timeCost, parallelism } as const
const password = 'seventeen brass engines'
const stored = await argon2.hash(password, options)
const tasks = {
  hash: () => argon2.hash(password, options),
  verify: () => argon2.verify(stored, password),
}

async function run({ task, ms }: Order): Promise<Done> {
  const start = performance.now()
  let calls = 0
  const caller = async () => {
    while (performance.now() - start < ms) {
      await tasks[task]()
      calls++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  return { calls, rate: calls / ((performance.now() - start) / 1000) }
}

process.on('message', (order: Order) => {
  void run(order).then(done => process.send?.(done))
})
process.send?.('ready')
