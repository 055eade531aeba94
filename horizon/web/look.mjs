import { chromium } from 'playwright-core'
const [base, user, password, out, ...paths] = process.argv.slice(2)
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const lang = process.env.LANG2 ?? 'en-US'
const c = await b.newContext({ viewport: { width: Number(process.env.W ?? 1280), height: Number(process.env.H ?? 800) }, locale: lang, colorScheme: process.env.DARK ? 'dark' : 'light' })
const p = await c.newPage()
p.on('console', m => { if (['error', 'warning'].includes(m.type())) console.log('console', m.type(), m.text().slice(0, 300)) })
p.on('pageerror', e => console.log('pageerror', e.message.slice(0, 500)))
p.on('response', r => { if (r.status() >= 400) console.log(r.status(), r.url()) })
await p.goto(base + '/dashboard/')
await p.screenshot({ path: `${out}/signin.png` })
await p.fill('#id_username', user); await p.fill('#id_password', password)
await p.click('button[type=submit]')
for (const path of paths) {
  const t = Date.now()
  await p.goto(base + '/dashboard' + path, { waitUntil: 'load' })
  await p.waitForSelector('h1', { timeout: 5000 }).catch(() => console.log('no h1', path))
  await p.waitForTimeout(900)
  await p.screenshot({ path: `${out}/${path.replace(/[\/?=&]/g, '_')}.png` })
}
await b.close()
