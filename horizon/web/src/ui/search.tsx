// Everything that one may see, by name, id or address.
import { Modal, ModalBody, SearchInput } from '@patternfly/react-core'
import { useQueries } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { listQuery } from '../core/data'
import { idOf, nameOf, type Resource, type Row } from '../core/resource'
import { go } from '../core/router'
import { useCloud } from '../core/session'
import { t } from '../i18n'
import { dashboards, panelShown } from '../menu'
import { Status } from './parts'

const searchable = ['servers', 'images', 'volumes', 'snapshots', 'networks', 'ports', 'routers', 'floating-ips', 'security-groups', 'keys', 'projects', 'users', 'hypervisors']
const most = 30

/** Addresses, names and ids somewhere in a row. */
export function words(r: Row): string {
  const out: string[] = []
  const walk = (v: unknown, k: string, depth: number) => {
    if (typeof v === 'string' && /^(name|id|addr|ip_address|floating_ip_address|fixed_ip_address|mac_address|cidr|hypervisor_hostname|host_ip|email|fingerprint)$/.test(k)) out.push(v)
    else if (v && typeof v === 'object' && depth < 4) for (const [n, x] of Object.entries(v)) walk(x, Array.isArray(v) ? k : n, depth + 1)
  }
  walk(r, '', 0)
  return out.join(' ').toLowerCase()
}

export default function Search({ close }: { close: () => void }) {
  const offer = useCloud()
  const [q, setQ] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => { input.current?.focus() }, [])
  const defs = useMemo(() => {
    const seen = new Set<string>()
    const out: { def: Resource; base: string }[] = []
    for (const d of offer.admin ? [dashboards[1]!, dashboards[0]!, dashboards[2]!] : dashboards) for (const p of d.panels)
      if (p.def && searchable.includes(p.id) && !seen.has(p.id) && panelShown(d, p, offer)) { seen.add(p.id); out.push({ def: p.def, base: `/${d.id}/${p.id}` }) }
    return out
  }, [offer])
  const lists = useQueries({ queries: defs.map(d => ({ ...listQuery(offer, d.def.source(offer)), staleTime: 30_000 })) })
  const stamp = lists.map(l => l.dataUpdatedAt).join()
  const found = useMemo(() => {
    const w = q.toLowerCase().split(/\s+/).filter(Boolean)
    if (!w.length) return []
    return defs.flatMap(({ def, base }, i) => ((lists[i]!.data ?? []) as Row[]).filter(r => { const s = words(r); return w.every(x => s.includes(x)) }).slice(0, most).map(r => ({ def, row: r, to: `${base}/${encodeURIComponent(idOf(def, r))}` }))).slice(0, most)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [q, defs, stamp])
  const pages = q ? dashboards.flatMap(d => d.panels.filter(p => panelShown(d, p, offer) && t(p.label).toLowerCase().includes(q.toLowerCase())).map(p => ({ to: `/${d.id}/${p.id}`, name: `${t(d.label)} – ${t(p.label)}` }))).slice(0, 5) : []
  const all = [...found.map(f => f.to), ...pages.map(p => p.to)]
  const open = (to?: string) => { if (to) { go(to); close() } }
  const key = (e: React.KeyboardEvent) => {
    if (e.key === 'ArrowDown') { e.preventDefault(); setAt(Math.min(at + 1, all.length - 1)) }
    else if (e.key === 'ArrowUp') { e.preventDefault(); setAt(Math.max(at - 1, 0)) }
    else if (e.key === 'Enter') open(all[at])
  }
  return (
    <Modal isOpen onClose={close} variant="medium" aria-label={t('Search')} className="search" position="top">
      <ModalBody>
        <div onKeyDown={key}><SearchInput ref={input} value={q} onChange={(_, v) => { setQ(v); setAt(0) }} onClear={() => setQ('')} placeholder={t('Search by name, id or address')} aria-label={t('Search')} /></div>
        <ul className="found" aria-label={t('Found')}>
          {found.map((f, i) => <li key={f.to}><button type="button" className={i === at ? 'on' : ''} onClick={() => open(f.to)}><span className="kind">{t(f.def.one)}</span><strong>{nameOf(f.def, f.row)}</strong>{f.row.status && <Status of={f.row.status} />}<code>{String(idOf(f.def, f.row)).slice(0, 8)}</code></button></li>)}
          {pages.map((p, i) => <li key={p.to}><button type="button" className={found.length + i === at ? 'on' : ''} onClick={() => open(p.to)}><span className="kind">{t('Page')}</span>{p.name}</button></li>)}
        </ul>
        {q && all.length === 0 && <p className="soft">{lists.some(l => l.isFetching) ? t('Loading') : t('Nothing matches')}</p>}
      </ModalBody>
    </Modal>
  )
}
