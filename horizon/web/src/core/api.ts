// The public APIs, through the dashboard's own proxy. The token is added there.
import { locale, t } from '../i18n'

export const root = '/dashboard'
export type Service = 'identity' | 'image' | 'compute' | 'placement' | 'network' | 'volume'
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One call of an API. Texts of path and body may name what earlier calls of the same list answered: {0.network.id}. */
export interface Call { service: Service; method: Method; path: string; body?: unknown; type?: string; version?: string }

/** The microversions that the pages are written for. */
export const versions: Partial<Record<Service, string>> = { compute: 'compute 2.96', volume: 'volume 3.70', placement: 'placement 1.39' }

export class ApiError extends Error {
  constructor(message: string, readonly status: number, readonly call: Call, readonly request = '') { super(message) }
  /** The session is over: sign in again. */
  get ended() { return this.status === 401 }
}

/** The sentence in a service's error, whatever its shape. */
export function said(body: unknown): string {
  if (typeof body === 'string') return body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 500)
  if (!body || typeof body !== 'object') return ''
  const b = body as Record<string, any>
  if (typeof b.message === 'string') return said(b.message)
  if (Array.isArray(b.errors) && b.errors[0]) return said(b.errors[0].detail ?? b.errors[0].title ?? '')
  for (const v of Object.values(b)) if (v && typeof v === 'object') { const s = said(v); if (s) return s }
  return ''
}

const patience = 60_000

function headers(call: Call): Record<string, string> {
  const h: Record<string, string> = { 'X-Stackd-Dashboard': '1', Accept: 'application/json', 'Accept-Language': locale() }
  const version = call.version ?? versions[call.service]
  if (version) h['OpenStack-API-Version'] = version
  if (call.body !== undefined) h['Content-Type'] = call.type ?? 'application/json'
  return h
}

/** Sends one call and reads its JSON answer. Fails with an ApiError, also when the network does. */
export async function send(call: Call, signal?: AbortSignal): Promise<any> {
  const late = AbortSignal.timeout(patience)
  const both = signal ? AbortSignal.any([signal, late]) : late
  let r: Response
  try {
    r = await fetch(`${root}/api/${call.service}${call.path}`, { method: call.method, headers: headers(call), body: call.body === undefined ? undefined : JSON.stringify(call.body), signal: both, credentials: 'same-origin' })
  } catch (e) {
    if (signal?.aborted) throw e
    throw new ApiError(t(late.aborted ? 'The service did not answer within a minute.' : 'The cloud cannot be reached.'), 0, call)
  }
  return answer(r, call)
}

async function answer(r: Response, call: Call): Promise<any> {
  const text = await r.text().catch(() => '')
  let body: unknown = text
  try { body = text ? JSON.parse(text) : undefined } catch { /* not JSON: said() reads the text */ }
  if (!r.ok) {
    if (r.status === 401) window.dispatchEvent(new Event('session-ended'))
    throw new ApiError(said(body) || r.statusText || `HTTP ${r.status}`, r.status, call, r.headers.get('X-Openstack-Request-Id') ?? '')
  }
  return body
}

/** Puts earlier answers into a call: "{0.network.id}" is the id that the first call's answer holds. */
export function filled<T>(v: T, answers: unknown[]): T {
  const look = (n: string, path: string) => path.split('.').reduce<any>((at, p) => at?.[p], answers[Number(n)])
  if (typeof v === 'string') return v.replace(/\{(\d+)\.([\w.-]+)\}/g, (_, n, p) => String(look(n, p) ?? '')) as T
  if (Array.isArray(v)) return v.map(x => filled(x, answers)) as T
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, filled(x, answers)])) as T
  return v
}

/** Sends calls one after the other; stops at the first that fails. */
export async function sendAll(calls: Call[]): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const c of calls) answers.push(await send({ ...c, path: filled(c.path, answers), body: filled(c.body, answers) }))
  return answers
}

/** What an answer holds under its one name: {"server": {…}} → {…}. */
export function unwrapped(body: any): any {
  const inside = body && typeof body === 'object' ? Object.values(body) : []
  return inside.length === 1 && inside[0] && typeof inside[0] === 'object' && !Array.isArray(inside[0]) ? inside[0] : body
}

/** The most rows of a list that are fetched. */
export const mostRows = 10_000

/** A whole list, page by page. */
export async function sendList(service: Service, path: string, key: string, signal?: AbortSignal): Promise<any[]> {
  const out: any[] = []
  let next: string | undefined = path
  while (next && out.length < mostRows) {
    const page: any = await send({ service, method: 'GET', path: next }, signal)
    const rows = page?.[key]
    if (!Array.isArray(rows)) break
    out.push(...rows)
    next = rows.length ? following(service, page, key, next) : undefined
  }
  return out
}

function following(service: Service, page: any, key: string, was: string): string | undefined {
  const link = page[`${key}_links`]?.find?.((l: any) => l.rel === 'next')?.href ?? page.next ?? page.links?.next
  if (!link) return undefined
  const u = new URL(link, location.href)
  const path = u.pathname.replace(`${root}/api/${service}`, '') + u.search
  return path === was ? undefined : path
}
