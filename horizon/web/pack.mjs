// Takes away what earlier builds left in dist, and compresses what this one made.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url)
const assets = new URL('assets/', dist)
const index = readFileSync(new URL('index.html', dist), 'utf8')
const names = readdirSync(assets).filter(n => !n.endsWith('.gz'))

// A file is in use when the page, or a file in use, names it.
const used = new Set(names.filter(n => index.includes(n)))
for (const n of used) {
  if (!/\.(js|css)$/.test(n)) continue
  const text = readFileSync(new URL(n, assets), 'utf8')
  for (const other of names) if (text.includes(other)) used.add(other)
}
for (const n of readdirSync(assets)) if (!used.has(n)) rmSync(new URL(n, assets))

let script = 0
for (const n of used) {
  const b = readFileSync(new URL(n, assets))
  if (!/\.(js|css|svg|json|ttf)$/.test(n)) continue
  const packed = gzipSync(b, { level: 9 })
  writeFileSync(new URL(n + '.gz', assets), packed)
  if (n.endsWith('.js') && index.includes(n)) script += packed.length
}
const most = 300 * 1000
console.log(`script at first load: ${(script / 1000).toFixed(1)} kB gzipped, of ${most / 1000} kB`)
if (script > most) {
  console.error('the first load is too large')
  process.exit(1)
}
