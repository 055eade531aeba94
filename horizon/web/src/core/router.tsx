// Addresses: every page, filter and tab is one, so that it can be kept and sent.
import { useSyncExternalStore, type MouseEvent, type ReactNode } from 'react'
import { root } from './api'

const listeners = new Set<() => void>()
const tell = () => { for (const f of listeners) f() }
window.addEventListener('popstate', tell)

const subscribe = (f: () => void) => { listeners.add(f); return () => { listeners.delete(f) } }

/** The address in use, without /dashboard: "/project/servers?q=web". */
export const here = () => location.pathname.slice(root.length) + location.search

export function go(to: string, replace = false) {
  if (to === here()) return
  history[replace ? 'replaceState' : 'pushState'](null, '', root + to)
  tell()
  if (!replace) document.getElementById('main')?.scrollTo?.(0, 0)
}

export interface Where { path: string; parts: string[]; query: URLSearchParams }

export function useWhere(): Where {
  const at = useSyncExternalStore(subscribe, here)
  const u = new URL(at || '/', 'http://x')
  return { path: u.pathname, parts: u.pathname.split('/').filter(Boolean).map(decodeURIComponent), query: u.searchParams }
}

/** Changes parameters of the address in use; "" takes one away. */
export function setQuery(part: Record<string, string | undefined>) {
  const u = new URL(here() || '/', 'http://x')
  for (const [k, v] of Object.entries(part)) v ? u.searchParams.set(k, v) : u.searchParams.delete(k)
  go(u.pathname + u.search, true)
}

export function follow(e: MouseEvent, to: string) {
  if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
  e.preventDefault()
  go(to)
}

export function Link({ to, children, className, title }: { to: string; children: ReactNode; className?: string; title?: string }) {
  return <a href={root + to} className={className} title={title} onClick={e => follow(e, to)}>{children}</a>
}
