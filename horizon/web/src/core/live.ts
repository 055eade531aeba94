// Lists and details change by themselves: the cloud tells what changed, and what is
// shown of it is read again. Without that stream, what is shown is read every few seconds.
import { useQueryClient, type Query, type QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { ApiError, root, send, unwrapped } from './api'
import type { Row, Source } from './resource'

export type LiveState = 'live' | 'polling' | 'connecting'
let state: LiveState = 'connecting'
const listeners = new Set<() => void>()
const set = (s: LiveState) => { if (s !== state) { state = s; for (const f of listeners) f() } }

export const useLiveState = () => useSyncExternalStore(f => { listeners.add(f); return () => { listeners.delete(f) } }, () => state)
/** How often to read again what is shown, in milliseconds; false where the stream tells. */
export const pollEvery = () => (state === 'live' ? false : 5000) as number | false

/** A query's key says which kinds of events concern it: ['server,port', …]. */
export const concerns = (key: readonly unknown[], kinds: Set<string>) => typeof key[0] === 'string' && key[0].split(',').some(k => kinds.has(k))

const pause = 250
const long = 200 // rows
const few = 8 // changes

interface Change { type: string; action: string; resource_id: string }

/** The rows of a long list that changed, read one by one; undefined where the list is to be read as a whole. */
export async function patched(rows: Row[], source: Source, changes: Change[]): Promise<Row[] | undefined> {
  const ids = new Set(changes.map(c => c.resource_id))
  if (rows.length < long || ids.size > few || source.map || [...ids].some(id => !rows.some(r => r.id === id))) return undefined
  const fresh = new Map(await Promise.all([...ids].map(async id => [id, await one(source, id)] as const)))
  return rows.flatMap(r => { const f = fresh.get(r.id); return f === undefined ? [r] : f ? [f] : [] })
}

/** One thing of a list as its API has it now; null when it is gone. */
async function one(source: Source, id: string): Promise<Row | null> {
  const path = `${source.path.split('?')[0]!.replace(/\/detail$/, '')}/${id}`
  try { return unwrapped(await send({ service: source.service, method: 'GET', path })) } catch (e) { if (e instanceof ApiError && e.status === 404) return null; throw e }
}

/** Reads again what concerns these changes, all at once after a short while. */
function reader(client: QueryClient) {
  let waiting: Change[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  return (change: Change) => {
    waiting.push(change)
    timer ??= setTimeout(() => {
      const changes = waiting
      waiting = []
      timer = undefined
      for (const q of client.getQueryCache().findAll({ predicate: q => concerns(q.queryKey, new Set(changes.map(c => c.type))) })) void refresh(client, q, changes)
    }, pause)
  }
}

async function refresh(client: QueryClient, q: Query, changes: Change[]) {
  const source = q.meta?.source as Source | undefined
  const at = q.state.dataUpdatedAt
  const rows = source && q.isActive() && Array.isArray(q.state.data) ? await patched(q.state.data, source, changes.filter(c => source.kinds.includes(c.type))).catch(() => undefined) : undefined
  if (rows && q.state.dataUpdatedAt === at) client.setQueryData(q.queryKey, rows)
  else void client.invalidateQueries({ queryKey: q.queryKey, exact: true })
}

export function useLive(scope: string) {
  const client = useQueryClient()
  useEffect(() => {
    if (typeof EventSource === 'undefined') { set('polling'); return }
    const read = reader(client)
    const s = new EventSource(`${root}/api/events`)
    let broken = 0
    s.onopen = () => { broken = 0; set('live') }
    s.onerror = () => { if (++broken > 1 || s.readyState === EventSource.CLOSED) set('polling') }
    s.addEventListener('change', e => { try { read(JSON.parse((e as MessageEvent).data)) } catch { /* not an event of ours */ } })
    s.addEventListener('reset', () => { void client.invalidateQueries() })
    const visible = () => { if (s.readyState === EventSource.CLOSED && document.visibilityState === 'visible') void client.invalidateQueries() }
    document.addEventListener('visibilitychange', visible)
    return () => { s.close(); set('connecting'); document.removeEventListener('visibilitychange', visible) }
  }, [client, scope])
}
