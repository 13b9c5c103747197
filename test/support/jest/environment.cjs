'use strict'
const { LegacyFakeTimers, ModernFakeTimers } = require('@jest/fake-timers')
const { ModuleMocker } = require('jest-mock')
const { allLoaded, globals: shared } = require('./shared-modules.cjs')

/**
 * A test environment without a realm of its own: the files that a worker runs have one global object, so that they can
 * share modules (see runtime.cjs). After each file, its globals and its environment variables are as before.
 */
module.exports = class SharedRealm {
  global = globalThis
  moduleMocker = new ModuleMocker(globalThis)
  #globals = new Map(Reflect.ownKeys(globalThis).map(name => [name, descriptorOf(name)]))
  #env = { ...process.env }
  #exit = process.exit

  constructor({ projectConfig: config }) {
    const { global, moduleMocker } = this
    // Jest's runner, which is new in each file, would use those of another.
    delete globalThis[Symbol.for('EVENT_HANDLERS')]
    const timerConfig = { idToRef: id => id, refToId: timer => timer }
    this.fakeTimers = new LegacyFakeTimers({ config, global, moduleMocker, timerConfig })
    this.fakeTimersModern = new ModernFakeTimers({ config, global })
  }

  async setup() {}

  async teardown() {
    await allLoaded()
    this.fakeTimers.dispose()
    this.fakeTimersModern.dispose()
    for (const name of Reflect.ownKeys(globalThis)) {
      if (this.#globals.has(name) || shared.has(name)) continue
      // Jest keeps its own across files too.
      Reflect.deleteProperty(globalThis, name)
    }
    for (const [name, descriptor] of this.#globals) {
      const now = descriptorOf(name)
      if (now?.value === descriptor.value && now?.get === descriptor.get) continue
      Reflect.defineProperty(globalThis, name, descriptor)
    }
    for (const name of Object.keys(process.env)) if (!(name in this.#env)) delete process.env[name]
    Object.assign(process.env, this.#env)
    process.exit = this.#exit
  }

  exportConditions() {
    return ['node', 'node-addons']
  }

  /** Undefined stands for this realm. */
  getVmContext() {
    return undefined
  }
}

function descriptorOf(name) {
  return Object.getOwnPropertyDescriptor(globalThis, name)
}
