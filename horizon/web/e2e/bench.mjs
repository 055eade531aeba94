// Figures of the dashboard: what is loaded, how soon it is usable, and a list of 1,000
// servers, which the browser is given in place of the cloud's own.
import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { base, open, run, settled, signIn } from './browser.mjs'

const dist = new URL('../../dist/', import.meta.url)
const index = readFileSync(new URL('index.html', dist), 'utf8')
const sizes = { 'script, first load': 0, 'styles, first load': 0, 'script, all': 0 }
for (const n of readdirSync(new URL('assets/', dist)).filter(n => /\.(js|css)$/.test(n))) {
  const size = gzipSync(readFileSync(new URL('assets/' + n, dist)), { level: 9 }).length
  if (n.endsWith('.js')) sizes['script, all'] += size
  if (index.includes(n)) sizes[n.endsWith('.js') ? 'script, first load' : 'styles, first load'] += size
}
for (const [k, v] of Object.entries(sizes)) console.log(`${k}: ${(v / 1000).toFixed(1)} kB gzipped`)

const many = Array.from({ length: 1000 }, (_, n) => ({ id: `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`, name: `server-${n}`, status: n % 50 ? 'ACTIVE' : 'ERROR', addresses: { net: [{ addr: `10.0.${n >> 8}.${n & 255}`, version: 4 }] }, flavor: { original_name: 'tiny', vcpus: 1, ram: 128, disk: 1 }, image: { id: 'x' }, metadata: {}, tags: [], created: '2026-01-01T00:00:00Z', 'OS-EXT-STS:task_state': null }))

await run(async browser => {
  const page = await open(browser)
  await signIn(page, process.env.OS_USERNAME, process.env.OS_PASSWORD)
  for (const kept of [false, true]) {
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('Network.setCacheDisabled', { cacheDisabled: !kept })
    let loaded = 0
    const count = async r => { if (/assets.*\.js/.test(r.url())) loaded += Number((await r.allHeaders())['content-length'] ?? 0) }
    page.on('response', count)
    const t = Date.now()
    await page.goto(`${base}/dashboard/project/servers`, { waitUntil: 'commit' })
    await page.waitForSelector('.data-table, .pf-v6-c-empty-state')
    console.log(`servers page usable after ${Date.now() - t} ms, ${kept ? 'files kept by the browser' : `nothing kept (${(loaded / 1000).toFixed(0)} kB of script)`}`)
    page.off('response', count)
    await cdp.detach()
  }
  await page.route(/servers\/detail/, r => r.fulfill({ json: { servers: many } }))
  const t = Date.now()
  await page.goto(`${base}/dashboard/project/servers`)
  await page.waitForSelector('tbody tr')
  console.log(`1,000 servers listed after ${Date.now() - t} ms`)
  await settled(page)
  const rows = await page.locator('tbody tr').count()
  const frames = await page.evaluate(() => new Promise(done => { const box = document.querySelector('.table-box'); let n = 0; const begin = performance.now(); const step = () => { box.scrollTop += 180; n++; performance.now() - begin < 2000 ? requestAnimationFrame(step) : done(n / 2) }; requestAnimationFrame(step) }))
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  console.log(`1,000 servers: ${rows} rows drawn, ${frames.toFixed(0)} frames a second while scrolling, ${(usedSize / 1e6).toFixed(1)} MB of heap`)
  if (rows > 100) throw new Error('too many rows are drawn')
})
