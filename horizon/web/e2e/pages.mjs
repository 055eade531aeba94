// Opens every page that the menu has, in both languages, its form, and the details of the
// first thing it lists with all their tabs: a picture of each, what axe finds, how many
// calls a page made. Ends badly where a page shows an error, makes more than three calls
// for its data, or axe finds something serious.
import { createRequire } from 'node:module'
import { base, open, out, run, say, settled, shot, signIn } from './browser.mjs'
import { writeFileSync } from 'node:fs'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const [user, password] = [process.env.OS_USERNAME, process.env.OS_PASSWORD]
const most = 3

async function check(page, name, found) {
  await page.addScriptTag({ path: axe }).catch(() => undefined)
  const list = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], rules: { 'label-content-name-mismatch': { enabled: false } } /* PatternFly's own toggle of a wizard, which cannot be named */ }).then(r => r.violations.map(v => ({ id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)) }))))
  for (const v of list.filter(x => x.impact === 'serious' || x.impact === 'critical')) found.push(`${name}: axe ${v.id}: ${v.nodes.join(' | ')}`)
}

/** A picture of what is open now, and what is wrong with it. */
async function look(page, name, found) {
  await shot(page, name)
  for (const alert of await page.$$eval('.page .pf-v6-c-alert.pf-m-danger, .page .pf-v6-c-alert.pf-m-warning', as => as.map(a => a.textContent.slice(0, 200)))) found.push(`${name}: ${alert}`)
  if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth + 1)) found.push(`${name}: wider than the window`)
  await check(page, name, found)
}

/** The form of a list, and the details of its first thing, tab by tab. */
async function within(page, link, name, found) {
  const make = page.locator('.heading-acts button:visible').first()
  if (await make.count()) {
    await make.click()
    await page.waitForTimeout(250)
    if (await page.locator('[role=dialog]').count()) await look(page, `${name}-form`, found)
    await page.goto(base + link)
    await settled(page)
  }
  const first = page.locator('tbody td a[href^="/dashboard/"]').first()
  if (!await first.count()) return
  await page.goto(base + await first.getAttribute('href'))
  await settled(page)
  await look(page, `${name}-one`, found)
  for (const tab of (await page.$$('[role=tablist] [role=tab]')).slice(1)) {
    await tab.click()
    await settled(page)
    await look(page, `${name}-${new URL(page.url()).searchParams.get('tab')}`, found)
  }
}

await run(async browser => {
  const found = [], table = []
  for (const [language, options] of [['en', {}], ['zh-CN', { dark: true }], ['en', { width: 390, height: 800 }]]) {
    const phone = options.width === 390
    const page = await open(browser, { language, ...options })
    await page.context().route('**/*', r => r.continue())
    await page.goto(`${base}/dashboard/auth/login/`)
    await check(page, `sign-in ${language}`, found)
    await shot(page, `signin-${language}`)
    await signIn(page, user, password)
    await page.context().addCookies([{ name: 'stackd_language', value: language, url: `${base}/dashboard` }])
    const links = phone ? ['/dashboard/project/servers', '/dashboard/project/overview', '/dashboard/project/launch'] : [...new Set(await page.$$eval('nav a[href*="/dashboard/"]', as => as.map(a => a.getAttribute('href'))))]
    if (process.env.ONLY) links.splice(0, links.length, ...process.env.ONLY.split(',').map(p => '/dashboard' + p))
    if (!links.length) found.push('the menu is empty')
    for (const link of links) {
      const name = `${phone ? 'phone-' : ''}${language}${link.replace('/dashboard', '').replace(/\//g, '-')}`
      let calls = 0
      const count = r => { if (/\/dashboard\/api\/(?!session|events)/.test(r.url()) && !/\/extensions$|\/auth\/projects/.test(r.url())) calls++ }
      page.on('request', count)
      await page.goto(base + link)
      await settled(page)
      page.off('request', count)
      table.push(`${name}\t${calls}`)
      if (calls > most && !/topology/.test(link)) // a picture of five kinds of things reads five lists
        found.push(`${name}: ${calls} calls`)
      await look(page, name, found)
      if (!phone) await within(page, link, name, found)
    }
    found.push(...page.wrongs.map(w => `${language}: ${w}`))
    await page.context().close()
  }
  writeFileSync(`${out}/pages.tsv`, table.join('\n') + '\n')
  say(`${table.length} pages; most calls of one: ${Math.max(...table.map(l => Number(l.split('\t')[1])))}`)
  for (const f of new Set(found)) console.log('  ', f)
  if (found.length) process.exitCode = 1
})
