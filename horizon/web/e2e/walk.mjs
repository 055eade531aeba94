// A tenant's first day in a browser, on a real cloud with a real guest.
import { base, open, run, say, settled, shot, signIn, texts } from './browser.mjs'

const language = process.env.LANGUAGE ?? 'en'
const t = texts(language)
const tag = `${language === 'en' ? 'a' : 'z'}${Date.now().toString(36).slice(-4)}`
const name = what => `${tag}-${what}`

const at = (page, path) => page.goto(`${base}/dashboard${path}`).then(() => settled(page))
const dialog = page => page.getByRole('dialog')
const field = (page, label) => page.locator('.wizard').getByLabel(t(label), { exact: false }).first()

/** Presses what starts a dialog, fills it in, and presses its button. */
async function fill(page, button, values) {
  await page.getByRole('button', { name: t(button), exact: true }).first().click()
  await finish(page, button, values)
}
async function finish(page, button, values, accept = true) {
  const d = dialog(page)
  await d.waitFor()
  for (const [label, v] of Object.entries(values)) {
    const f = d.getByLabel(label.startsWith('=') ? label.slice(1) : t(label), { exact: false }).first()
    await f.waitFor()
    const kind = await f.evaluate(e => e.tagName)
    if (kind === 'SELECT') await (typeof v === 'string' ? f.selectOption({ label: v }) : f.selectOption(v))
    else if (typeof v === 'boolean') await f.setChecked(v, { force: true })
    else if (label === 'File') await f.setInputFiles(v)
    else await f.fill(v)
  }
  await shot(page, `${language}-dialog-${button.replace(/\W+/g, '-')}`)
  await d.getByRole('button', { name: t(button), exact: true }).last().click()
  if (accept) await d.waitFor({ state: 'detached' })
}
/** Does something to a row by its menu. */
async function rowAction(page, row, action, values = {}) {
  await page.getByRole('row').filter({ hasText: row }).first().getByRole('button').last().click()
  await page.getByRole('menuitem', { name: t(action), exact: true }).click()
  await finish(page, action, values)
}
const rowHas = (page, row, text) => page.getByRole('row').filter({ hasText: row }).filter({ hasText: text }).first().waitFor({ timeout: 240_000 })
const gone = (page, row) => page.getByRole('row').filter({ hasText: row }).first().waitFor({ state: 'detached', timeout: 120_000 })

/** What a canvas shows, as a number. */
const picture = page => page.evaluate(() => { const c = document.querySelector('.screen canvas'); if (!c) return 0; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let h = 0, lit = 0; for (let i = 0; i < d.length; i += 4) { h = (h * 31 + d[i] * 3 + d[i + 1] * 5 + d[i + 2]) | 0; if (d[i] + d[i + 1] + d[i + 2] > 120) lit++ } return lit ? h : 0 })
async function until(what, f, most = 60_000) { const end = Date.now() + most; while (!(await f())) { if (Date.now() > end) throw new Error(`${what}: not within ${most / 1000} s`); await new Promise(r => setTimeout(r, 500)) } }

await run(async browser => {
  const admin = await open(browser, { language })
  await signIn(admin, process.env.OS_USERNAME, process.env.OS_PASSWORD)
  say('signed in as administrator,', language)
  await at(admin, '/identity/projects')
  await fill(admin, 'Create project', { Name: name('class') })
  await rowHas(admin, name('class'), name('class'))
  await at(admin, '/identity/users')
  await fill(admin, 'Create user', { Name: name('ann'), Password: 'secret-of-ann', 'Password again': 'secret-of-ann', 'Default project': name('class') })
  await rowHas(admin, name('ann'), name('ann'))
  say('project and user are made')

  const page = await open(browser, { language })
  await signIn(page, name('ann'), 'secret-of-ann')
  await shot(page, `${language}-first-page`)
  await at(page, '/project/images')
  await fill(page, 'Upload image', { File: process.env.IMAGE, Name: name('tiny') })
  await rowHas(page, name('tiny'), 'active')
  say('image is uploaded from the browser')

  await at(page, '/project/keys')
  const file = page.waitForEvent('download')
  await page.getByRole('button', { name: t('Create key pair'), exact: true }).first().click()
  await finish(page, 'Create key pair', { Name: name('key') }, false)
  await file
  await dialog(page).getByRole('button', { name: t('Close'), exact: true }).last().click()
  await rowHas(page, name('key'), 'ssh')

  await at(page, '/project/networks')
  await fill(page, 'Create network', { Name: name('net'), 'Addresses (CIDR)': '10.7.0.0/24' })
  await rowHas(page, name('net'), '10.7.0.0/24')
  await at(page, '/project/routers')
  await fill(page, 'Create router', { Name: name('router'), 'External network': 'public', [`=${name('net')}`]: true })
  await rowHas(page, name('router'), 'ACTIVE')
  say('key, network and router are made')

  await at(page, '/project/launch')
  await page.locator('.wizard').getByLabel(t('Name'), { exact: false }).first().fill(name('one'))
  for (const step of ['Source', 'Flavor', 'Networks', 'Security']) {
    await page.locator('.pf-v6-c-wizard__nav-link, .pf-v6-c-wizard__nav button').filter({ hasText: t(step) }).first().click()
    if (step === 'Source') await field(page, 'Image').selectOption({ label: name('tiny') })
    if (step === 'Flavor') await field(page, 'Flavor').selectOption({ index: 0 })
    if (step === 'Networks') await page.locator('.wizard').getByLabel(name('net')).setChecked(true)
    if (step === 'Security') await field(page, 'Key pair').selectOption(name('key'))
    await shot(page, `${language}-launch-${step}`)
  }
  await page.getByRole('button', { name: t('Launch'), exact: true }).first().click()
  await page.waitForURL(/\/project\/servers\/[0-9a-f-]{36}/)
  const began = Date.now(), server = page.url().match(/servers\/([0-9a-f-]{36})/)[1]
  await page.evaluate(() => { window.notReloaded = true })
  await page.locator('h1').filter({ hasText: 'ACTIVE' }).waitFor({ timeout: 240_000 })
  if (!(await page.evaluate(() => window.notReloaded))) throw new Error('the page was reloaded')
  say(`the server is ACTIVE after ${((Date.now() - began) / 1000).toFixed(1)} s, without reloading`)
  await shot(page, `${language}-server`)

  await at(page, `/project/servers/${server}?tab=log`)
  await page.locator('pre.log').filter({ hasText: 'login' }).waitFor({ timeout: 240_000 })
  await shot(page, `${language}-log`)
  await at(page, `/project/servers/${server}?tab=console`)
  await page.locator('[data-state=Connected]').waitFor()
  await until('the screen', () => picture(page))
  const before = await picture(page)
  await page.locator('.screen canvas').click()
  await page.keyboard.type('hello-from-the-browser', { delay: 60 })
  await until('what was typed is on the screen', async () => (await picture(page)) !== before)
  await page.waitForTimeout(1000)
  await shot(page, `${language}-console`)
  say('the console shows what was typed')

  await at(page, '/project/volumes')
  await fill(page, 'Create volume', { Name: name('disk'), 'Size in GiB': '1' })
  await rowHas(page, name('disk'), 'available')
  await rowAction(page, name('disk'), 'Attach to server', { Server: name('one') })
  await rowHas(page, name('disk'), 'in-use')
  await at(page, '/project/servers')
  await rowAction(page, name('one'), 'Associate floating IP', { 'Floating IP': '+ public' })
  await rowHas(page, name('one'), ', ')
  await shot(page, `${language}-servers`)
  await at(page, '/project/topology')
  await page.locator('.topo.server').filter({ hasText: name('one') }).waitFor()
  await page.waitForTimeout(500)
  await shot(page, `${language}-topology`)
  for (const tab of ['interfaces', 'volumes', 'actions']) { await at(page, `/project/servers/${server}?tab=${tab}`); await shot(page, `${language}-server-${tab}`) }
  say('volume, floating IP and topology are there')

  await at(page, '/project/servers')
  await rowAction(page, name('one'), 'Delete')
  await gone(page, name('one'))
  await at(page, '/project/volumes')
  await rowHas(page, name('disk'), 'available')
  await rowAction(page, name('disk'), 'Delete')
  await gone(page, name('disk'))
  await at(page, '/project/floating-ips')
  await rowAction(page, 'public', 'Release floating IP')
  await gone(page, 'public')
  await at(page, '/project/routers')
  await page.getByRole('row').filter({ hasText: name('router') }).getByRole('button').last().click()
  await page.getByRole('menuitem', { name: t('Remove interface'), exact: true }).click()
  await finish(page, 'Remove interface', {})
  await rowAction(page, name('router'), 'Delete')
  await gone(page, name('router'))
  for (const [panel, row] of [['networks', name('net')], ['keys', name('key')], ['images', name('tiny')]]) { await at(page, `/project/${panel}`); await rowAction(page, row, 'Delete'); await gone(page, row) }
  await at(admin, '/identity/users')
  await rowAction(admin, name('ann'), 'Delete')
  await gone(admin, name('ann'))
  await at(admin, '/identity/projects')
  await rowAction(admin, name('class'), 'Delete')
  await gone(admin, name('class'))
  say('all is deleted')
  const wrongs = [...admin.wrongs, ...page.wrongs]
  if (wrongs.length) throw new Error(wrongs.join('\n'))
})
