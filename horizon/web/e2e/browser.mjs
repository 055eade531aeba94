// What the walks in a real browser share.
import { mkdirSync, readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

export const base = process.env.DASHBOARD ?? 'http://127.0.0.1:9000'
export const out = process.env.RESULTS ?? '../../results/browser'
mkdirSync(out, { recursive: true })

const zh = readFileSync(new URL('../src/i18n/zh.ts', import.meta.url), 'utf8')
const catalogue = new Map([...zh.matchAll(/^ {2}("(?:[^"\\]|\\.)*"): ("(?:[^"\\]|\\.)*"),$/gm)].map(m => [JSON.parse(m[1]), JSON.parse(m[2])]))

/** Texts of a language, by their English. */
export const texts = language => en => {
  if (!catalogue.has(en)) throw new Error(`no page has the text ${en}`)
  return language === 'en' ? en : catalogue.get(en)
}

export async function start() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'] })
}

/** A page in a browser of its own that notes everything that goes wrong. */
export async function open(browser, { language = 'en', width = 1280, height = 800, dark = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language, colorScheme: dark ? 'dark' : 'light', acceptDownloads: true, bypassCSP: !!process.env.AXE })
  const page = await context.newPage()
  page.setDefaultTimeout(Number(process.env.PATIENCE ?? 60_000))
  page.wrongs = []
  page.on('pageerror', e => page.wrongs.push(`script: ${e.message}`))
  page.on('console', m => { if (m.type() === 'error' && !/status of 4\d\d/.test(m.text())) page.wrongs.push(`console: ${m.text()}`) })
  page.on('response', r => { if (r.status() >= 500) page.wrongs.push(`${r.status()} ${r.url()}`) })
  return page
}

export async function signIn(page, user, password) {
  await page.goto(`${base}/dashboard/`)
  await page.fill('#id_username', user)
  await page.fill('#id_password', password)
  await Promise.all([page.waitForURL(/\/dashboard\/($|project|admin|identity)/), page.click('form button[type=submit]')])
  await page.waitForSelector('h1')
}

let number = 0
export async function shot(page, name) {
  await page.screenshot({ path: `${out}/${String(++number).padStart(3, '0')}-${name}.png` })
}

export function say(...words) { console.log(new Date().toISOString().slice(11, 19), ...words) }

/** Ends well, or says what went wrong and ends badly. */
export async function run(f) {
  const browser = await start()
  try { await f(browser) } catch (e) { console.error(e); process.exitCode = 1 } finally { await browser.close() }
}

/** Waits until what is shown has been read. */
export async function settled(page) {
  await page.waitForSelector('h1')
  await page.waitForFunction(() => !document.querySelector('.waiting'), null, { timeout: 20_000 }).catch(() => undefined)
  await page.waitForTimeout(250)
}
