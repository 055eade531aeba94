// What a person has chosen, kept in this browser.
export interface Settings {
  language: 'en' | 'zh-CN'
  theme: 'system' | 'light' | 'dark'
  zone: string // of times: '' is the browser's, 'UTC' …
  rows: number // of a table's page before it scrolls by itself; 0 is all
  columns: Record<string, string[]> // table → columns shown
  nav: boolean
}

const name = 'stackd.settings'
const listeners = new Set<() => void>()

function first(): Settings {
  const s: Settings = { language: navigator.language?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en', theme: 'system', zone: '', rows: 0, columns: {}, nav: true }
  const cookie = document.cookie.match(/(?:^|; )stackd_language=([^;]+)/)?.[1]
  if (cookie === 'en' || cookie === 'zh-CN') s.language = cookie
  try { return { ...s, ...JSON.parse(localStorage.getItem(name) ?? '{}') } } catch { return s }
}

let now = first()

export const settings = () => now
export const subscribe = (f: () => void) => { listeners.add(f); return () => { listeners.delete(f) } }

/** Changes settings, keeps them and tells all who listen. */
export function change(part: Partial<Settings>) {
  now = { ...now, ...part }
  try { localStorage.setItem(name, JSON.stringify(now)) } catch { /* a browser that keeps nothing */ }
  if (part.language) document.cookie = `stackd_language=${part.language}; path=/dashboard; max-age=31536000; samesite=strict`
  apply()
  for (const f of listeners) f()
}

const dark = window.matchMedia?.('(prefers-color-scheme: dark)')

/** Puts theme and language on the page. */
export function apply() {
  const on = now.theme === 'dark' || (now.theme === 'system' && !!dark?.matches)
  document.documentElement.classList.toggle('pf-v6-theme-dark', on)
  document.documentElement.lang = now.language
}
dark?.addEventListener?.('change', apply)
