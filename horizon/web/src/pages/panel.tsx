// The two pages that every declared panel has: its list and its details.
import { Breadcrumb, BreadcrumbItem, Button, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Tab, TabTitleText, Tabs } from '@patternfly/react-core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Suspense, useMemo } from 'react'
import { send, unwrapped } from '../core/api'
import { again, listQuery, useCtx, useList } from '../core/data'
import { pollEvery } from '../core/live'
import { idOf, nameOf, type Resource, type Row } from '../core/resource'
import { Link, setQuery, useWhere } from '../core/router'
import { useCloud } from '../core/session'
import { t } from '../i18n'
import { allowed, useAction } from '../ui/actions'
import { Failure, Id, Nothing, Waiting } from '../ui/parts'
import { RowMenu } from '../ui/rows'
import { DataTable } from '../ui/table'

export function Heading({ title, text, children }: { title: React.ReactNode; text?: React.ReactNode; children?: React.ReactNode }) {
  return <header className="heading"><div><h1>{title}</h1>{text && <div className="soft">{text}</div>}</div><div className="heading-acts">{children}</div></header>
}

export function ListPage({ def }: { def: Resource }) {
  const offer = useCloud()
  const list = useList(def.source(offer))
  const { ctx } = useCtx(def.joins)
  const { start, dialog } = useAction(def)
  const rows = useMemo(() => (list.data ?? []).filter(r => !def.pick || def.pick(r, offer)), [list.data, def, offer])
  const make = def.actions.filter(a => a.on === 'table' && allowed(a, offer))
  const buttons = make.map((a, i) => <Button key={a.id} variant={i === 0 ? 'primary' : 'secondary'} onClick={() => start(a, [], ctx)}>{t(a.label)}</Button>)
  return (
    <>
      <Heading title={t(def.label)}>{buttons}</Heading>
      {list.error && <Failure error={list.error} retry={() => list.refetch()} />}
      {list.isPending && !list.error ? <Waiting rows={10} /> : (list.data || !list.error) && <DataTable def={def} rows={rows} ctx={ctx} start={(a, r) => start(a, r, ctx)} empty={<Nothing title={t('There is nothing here yet')} text={def.empty && t(def.empty)}>{buttons[0]}</Nothing>} />}
      {dialog}
    </>
  )
}

/** A table of things inside another page: the ports of a network, the rules of a group. */
export function SubList({ def, only }: { def: Resource; only: (r: Row) => boolean }) {
  const offer = useCloud()
  const list = useList(def.source(offer))
  const { ctx } = useCtx(def.joins)
  const { start, dialog } = useAction(def)
  const make = def.actions.filter(a => a.on === 'table' && allowed(a, offer))
  if (list.error && !list.data) return <Failure error={list.error} retry={() => list.refetch()} />
  if (list.isPending) return <Waiting />
  return (
    <>
      {make.length > 0 && <div className="sub-acts">{make.map(a => <Button key={a.id} size="sm" variant="secondary" onClick={() => start(a, [], ctx)}>{t(a.label)}</Button>)}</div>}
      <DataTable def={def} id={`sub-${def.id}`} rows={(list.data ?? []).filter(only)} ctx={ctx} start={(a, r) => start(a, r, ctx)} plain />
      {dialog}
    </>
  )
}

/** Where the chosen tab is shown. */
export const tabBody = 'tab-body'

export function DetailsPage({ def, id, base }: { def: Resource; id: string; base: string }) {
  const offer = useCloud()
  const client = useQueryClient()
  const source = def.source(offer)
  const at = def.one_?.(id) ?? { service: source.service, path: `${source.path.split('?')[0]!.replace(/\/detail$/, '')}/${encodeURIComponent(id)}` }
  const known = () => (client.getQueryData(listQuery(offer, source).queryKey) as Row[] | undefined)?.find(r => idOf(def, r) === id)
  const thing = useQuery<Row, Error>({
    queryKey: [source.kinds.join(','), 'one', at.service, at.path], retry: again, refetchInterval: () => pollEvery(), placeholderData: known,
    queryFn: async ({ signal }) => { const r = unwrapped(await send({ service: at.service, method: 'GET', path: at.path }, signal)); return source.map ? source.map(r) : r },
  })
  const { ctx } = useCtx(def.joins)
  const { start, dialog } = useAction(def)
  const { query } = useWhere()
  const crumbs = <Breadcrumb><BreadcrumbItem><Link to={base}>{t(def.label)}</Link></BreadcrumbItem><BreadcrumbItem isActive>{thing.data ? nameOf(def, thing.data) : id.slice(0, 8)}</BreadcrumbItem></Breadcrumb>
  if (thing.error && !thing.data) return <>{crumbs}<Failure error={thing.error} retry={() => thing.refetch()} /></>
  if (!thing.data) return <>{crumbs}<Waiting rows={8} /></>
  const row = thing.data
  const gone = thing.error && 'status' in thing.error && thing.error.status === 404
  const tabs = (def.tabs ?? []).filter(x => offer.has(x.need) && (!x.when || x.when(row, ctx)))
  const tab = query.get('tab') ?? 'facts'
  const status = def.columns.find(c => c.id === 'status')
  return (
    <>
      {crumbs}
      <Heading title={<>{nameOf(def, row)} {status?.show ? status.show(row, ctx) : null}</>} text={row.description}>
        {!gone && <RowMenu def={def} row={row} actions={def.actions.filter(a => a.on !== 'table' && allowed(a, offer))} ctx={ctx} start={(a, r) => start(a, r, ctx)} label={t('Actions')} />}
      </Heading>
      {gone ? <Nothing title={t('It is not there (any more).')}><Link to={base}>{t(def.label)}</Link></Nothing> : thing.error && <Failure error={thing.error} retry={() => thing.refetch()} />}
      {!gone && <>
        {tabs.length > 0 && <Tabs activeKey={tab} onSelect={(_, k) => setQuery({ tab: k === 'facts' ? '' : String(k), q: '', sort: '' })} aria-label={t('Details')}>
          {[{ id: 'facts', label: 'Overview' as const }, ...tabs].map(x => <Tab key={x.id} eventKey={x.id} tabContentId={tabBody} title={<TabTitleText>{t(x.label)}</TabTitleText>} />)}
        </Tabs>}
        <div className="tab-body" id={tabBody} role="tabpanel"><Suspense fallback={<Waiting />}>{tab === 'facts' || !tabs.some(x => x.id === tab) ? <Facts def={def} row={row} ctx={ctx} /> : tabs.find(x => x.id === tab)!.show(row, ctx)}</Suspense></div>
      </>}
      {dialog}
    </>
  )
}

function Facts({ def, row, ctx }: { def: Resource; row: Row; ctx: any }) {
  const facts = def.facts?.filter(f => ctx.offer.has(f.need)) ?? def.columns.filter(c => c.id !== 'id' && ctx.offer.has(c.need)).map(c => ({ label: c.label, value: (r: Row, x: any) => c.show ? c.show(r, x) : typeof c.value(r, x) === 'boolean' ? t(c.value(r, x) ? 'Yes' : 'No') : c.value(r, x) }))
  return (
    <DescriptionList isHorizontal isCompact columnModifier={{ default: '1Col', xl: '2Col' }} className="facts">
      {row.id !== undefined && <DescriptionListGroup><DescriptionListTerm>{t('ID')}</DescriptionListTerm><DescriptionListDescription><Id of={String(row.id)} /></DescriptionListDescription></DescriptionListGroup>}
      {facts.map((f, i) => { const v = f.value(row, ctx); return <DescriptionListGroup key={i}><DescriptionListTerm>{t(f.label)}</DescriptionListTerm><DescriptionListDescription>{v === null || v === undefined || v === '' ? '–' : v}</DescriptionListDescription></DescriptionListGroup> })}
    </DescriptionList>
  )
}
