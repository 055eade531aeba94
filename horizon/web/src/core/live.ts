// Lists and details change by themselves: the cloud tells what changed, and what is
// shown of it is read again. Without that stream, what is shown is read every few seconds.
import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { root } from './api'

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

/** Reads again what concerns these kinds, all at once after a short while. */
function reader(client: QueryClient) {
  let waiting = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  return (kind: string) => {
    waiting.add(kind)
    timer ??= setTimeout(() => {
      const kinds = waiting
      waiting = new Set()
      timer = undefined
      void client.invalidateQueries({ predicate: q => concerns(q.queryKey, kinds) })
    }, pause)
  }
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
    s.addEventListener('change', e => { try { read(JSON.parse((e as MessageEvent).data).type) } catch { /* not an event of ours */ } })
    s.addEventListener('reset', () => { void client.invalidateQueries() })
    const visible = () => { if (s.readyState === EventSource.CLOSED && document.visibilityState === 'visible') void client.invalidateQueries() }
    document.addEventListener('visibilitychange', visible)
    return () => { s.close(); set('connecting'); document.removeEventListener('visibilitychange', visible) }
  }, [client, scope])
}
