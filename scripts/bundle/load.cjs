'use strict'
// Loads the files of the bundle, with the code that V8 compiled for them when the build kept it (decision 027). V8 reads
// only code of its own version and flags; otherwise it compiles the source, as without it. A file of the bundle is a function
// of what CommonJS gives a module, and of `import()`.
const fs = require('node:fs')
const path = require('node:path')
const vm = require('node:vm')

const COMPILED = path.join(__dirname, `compiled-${process.versions.v8}-${process.arch}`)
const importModule = specifier => import(specifier)

/** What each loaded file exports, by its name. */
const loaded = new Map()
/** The scripts of the loaded files, while the build keeps their code. */
let scripts
/** The files whose code was compiled already. */
const compiled = new Set()

function load(name) {
  const known = loaded.get(name)
  if (known) return known
  const exported = {}
  loaded.set(name, exported)
  const filename = path.join(__dirname, name)
  const cachedData = codeOf(name)
  const script = new vm.Script(fs.readFileSync(filename, 'latin1'), { filename, cachedData })
  if (cachedData && !script.cachedDataRejected) compiled.add(name)
  if (cachedData) release(cachedData)
  scripts?.set(name, script)
  script.runInThisContext()(exported, requireFromBundle, filename, __dirname, importModule)
  return exported
}

function requireFromBundle(specifier) {
  return specifier.startsWith('./') ? load(specifier.slice(2)) : require(specifier)
}

/** Gives the memory of a large buffer back immediately. Node 20 waits for garbage collection. */
function release({ buffer, length }) {
  // Small buffers share one that Node itself uses.
  if (buffer.byteLength === length) buffer.transfer?.(0)
}

function codeOf(name) {
  if (scripts) return undefined
  try {
    return fs.readFileSync(path.join(COMPILED, name))
  } catch {
    return undefined
  }
}

/** Runs `task`, and then keeps the code of all files that it loaded, with the functions that were compiled for it. */
async function keepCode(task) {
  scripts = new Map()
  await task()
  fs.rmSync(COMPILED, { recursive: true, force: true })
  fs.mkdirSync(COMPILED)
  for (const [name, script] of scripts) fs.writeFileSync(path.join(COMPILED, name), script.createCachedData())
}

module.exports = { load, keepCode, compiled }
