// Reading: lists, things, and the joins that give ids their names.
import { keepPreviousData, useQueries, useQuery, type UseQueryOptions } from '@tanstack/react-query'
import { useMemo } from 'react'
import { ApiError, send, sendList, type Service } from './api'
import { pollEvery } from './live'
import type { Ctx, Row, Source } from './resource'
import { useCloud, type Offer } from './session'

/** Not again what the service has refused; a lost connection twice. */
export const again = (n: number, e: unknown) => n < 2 && (!(e instanceof ApiError) || e.status === 0 || e.status >= 502)

const scopeOf = (o: Offer) => o.session.project?.id ?? o.session.domain?.id ?? 'system'

export function listQuery(o: Offer, s: Source): UseQueryOptions<Row[], Error> {
  return {
    queryKey: [s.kinds.join(','), 'list', s.service, s.path, scopeOf(o)],
    queryFn: async ({ signal }) => { const rows = await sendList(s.service, s.path, s.key, signal); return s.map ? rows.map(s.map) : rows },
    meta: { source: s }, enabled: o.has(s.service) && o.has(s.need), retry: again, refetchInterval: () => pollEvery(), staleTime: 2000, placeholderData: keepPreviousData,
  }
}

export const useList = (s: Source) => useQuery(listQuery(useCloud(), s))

export function useGet<T = any>(kinds: string[], service: Service, path: string, options: { need?: string; every?: number; enabled?: boolean; version?: string } = {}) {
  const o = useCloud()
  return useQuery<T, Error>({
    queryKey: [kinds.join(','), 'get', service, path, scopeOf(o)],
    queryFn: ({ signal }) => send({ service, method: 'GET', path, version: options.version }, signal),
    enabled: (options.enabled ?? true) && o.has(service) && o.has(options.need), retry: again, refetchInterval: () => options.every ?? pollEvery(), staleTime: 2000,
  })
}

const short = (id: unknown) => String(id ?? '').slice(0, 8)

export function ctxOf(offer: Offer, rows: Record<string, Row[] | undefined>): Ctx {
  const maps: Record<string, Map<string, Row>> = {}
  const map = (join: string) => maps[join] ??= new Map((rows[join] ?? []).map(r => [String(r.id ?? r.name), r]))
  return {
    offer, rows: join => rows[join] ?? [],
    find: (join, id) => map(join).get(String(id)),
    name: (join, id) => { if (!id) return '–'; const r = map(join).get(String(id)); return r?.name || short(id) },
  }
}

/** The context of a declaration's functions: its joins, read. Pending until all are there. */
export function useCtx(joins: Record<string, (o: any) => Source> | undefined): { ctx: Ctx; pending: boolean; error: Error | null } {
  const offer = useCloud()
  const names = Object.keys(joins ?? {}).filter(n => offer.has(joins![n]!(offer).need) && offer.has(joins![n]!(offer).service))
  const all = useQueries({ queries: names.map(n => listQuery(offer, joins![n]!(offer))) })
  const stamp = all.map(q => q.dataUpdatedAt).join()
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const ctx = useMemo(() => ctxOf(offer, Object.fromEntries(names.map((n, i) => [n, all[i]!.data as Row[] | undefined]))), [offer, stamp, names.join()])
  return { ctx, pending: all.some(q => q.isPending), error: all.find(q => q.error)?.error ?? null }
}
