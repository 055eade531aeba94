// Numbers and times as people read them.
import { locale, t, type Key } from '../i18n'
import { settings } from './settings'

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(Number(n))) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let v = Number(n), u = 0
  while (v >= 1024 && u < units.length - 1) { v /= 1024; u++ }
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: v < 10 && u > 0 ? 1 : 0 }).format(v)} ${units[u]}`
}
export const mib = (n: number) => bytes(n * 1024 * 1024)
export const gib = (n: number | null | undefined) => n === null || n === undefined ? '–' : bytes(n * 1024 ** 3)

/** A time of an API; those without a zone are UTC. */
export function when(s: string | null | undefined): Date | undefined {
  if (!s) return undefined
  const iso = s.replace(' ', 'T')
  const d = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(iso) ? iso : iso + 'Z')
  return Number.isNaN(d.getTime()) ? undefined : d
}

export function time(s: string | null | undefined): string {
  const d = when(s)
  return d ? new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium', timeZone: settings().zone || undefined }).format(d) : '–'
}

const spans: [number, Intl.RelativeTimeFormatUnit][] = [[60, 'second'], [3600, 'minute'], [86400, 'hour'], [86400 * 30, 'day'], [86400 * 365, 'month'], [Infinity, 'year']]

export function ago(s: string | null | undefined, now = Date.now()): string {
  const d = when(s)
  if (!d) return '–'
  const secs = (d.getTime() - now) / 1000
  let unit = 1
  for (const [most, name] of spans) {
    if (Math.abs(secs) < most) return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(Math.round(secs / unit), name)
    unit = most === 60 ? 60 : most === 3600 ? 3600 : most === 86400 ? 86400 : most === 86400 * 30 ? 86400 * 30 : 86400 * 365
  }
  return ''
}

export const yes = (v: unknown) => t(v ? 'Yes' : 'No')
export const num = (n: number) => new Intl.NumberFormat(locale()).format(n)

export type Tone = 'good' | 'busy' | 'off' | 'bad' | 'warn'
const good = ['ACTIVE', 'AVAILABLE', 'IN-USE', 'UP', 'ENABLED', 'ONLINE', 'COMPLETED', 'SUCCESS', 'ACCEPTED']
const off = ['SHUTOFF', 'PAUSED', 'SUSPENDED', 'SHELVED', 'SHELVED_OFFLOADED', 'DISABLED', 'DEACTIVATED', 'DOWN', 'N/A', 'DELETED', 'QUEUED', 'SOFT_DELETED', 'RESERVED']

/** What a status means to who looks at it. */
export function tone(status: string | undefined): Tone {
  const s = (status ?? '').toUpperCase()
  if (good.includes(s)) return 'good'
  if (s === 'ERROR' || s.startsWith('ERROR') || s === 'FAILURE' || s === 'KILLED') return 'bad'
  if (off.includes(s)) return 'off'
  if (s === 'RESCUE' || s === 'VERIFY_RESIZE' || s === 'MAINTENANCE') return 'warn'
  return 'busy'
}

/** A text for the shell. */
export const quote = (s: unknown) => { const v = String(s ?? ''); return /^[\w@%+=:,./-]+$/.test(v) ? v : `'${v.replace(/'/g, `'\\''`)}'` }

/** An openstack command: options with a value, true alone; lists repeat theirs; empty ones are left out. */
export function osc(command: string, options: Record<string, unknown> = {}, ...args: unknown[]): string {
  const out = [`openstack ${command}`]
  for (const [k, v] of Object.entries(options)) {
    if (v === undefined || v === null || v === '' || v === false) continue
    for (const one of Array.isArray(v) ? v : [v]) out.push(one === true ? `--${k}` : `--${k} ${quote(one)}`)
  }
  for (const a of args) if (a !== undefined && a !== '') out.push(quote(a))
  return out.join(' ')
}

export type { Key }

/** A cell's value in words. */
export const text = (v: unknown) => v === null || v === undefined ? '' : typeof v === 'boolean' ? t(v ? 'Yes' : 'No') : String(v)
