// The project's networks as a picture that lives and can be acted on.
import '@xyflow/react/dist/style.css'
import { Background, Controls, Handle, Position, ReactFlow, type Edge, type Node } from '@xyflow/react'
import { Button } from '@patternfly/react-core'
import { useMemo } from 'react'
import { useCtx } from '../core/data'
import type { Action, Ctx, Resource, Row } from '../core/resource'
import { Link } from '../core/router'
import { t } from '../i18n'
import { lists, own } from '../things/common'
import { networks, routers } from '../things/networks'
import { servers } from '../things/servers'
import { allowed, useAction } from '../ui/actions'
import { Failure, Nothing, Status, Waiting } from '../ui/parts'
import { RowMenu } from '../ui/rows'
import { Heading } from './panel'

type Kind = 'server' | 'router' | 'network'
interface Data extends Record<string, unknown> { kind: Kind; row: Row; ctx: Ctx; text: string; status?: string; act: (d: Resource, a: Action, r: Row) => void }

const defs: Record<Kind, Resource> = { server: servers('project'), router: routers('project'), network: networks('project') }
const homes: Record<Kind, string> = { server: '/project/servers', router: '/project/routers', network: '/project/networks' }

function Box({ data }: { data: Data }) {
  const def = defs[data.kind]
  return (
    <div className={`topo ${data.kind} ${data.row['router:external'] ? 'external' : ''}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div className="topo-head"><span className="kind">{t(def.one)}</span><RowMenu def={def} row={data.row} actions={def.actions.filter(a => a.on !== 'table' && allowed(a, data.ctx.offer))} ctx={data.ctx} start={(a, r) => data.act(def, a, r[0]!)} /></div>
      <Link to={`${homes[data.kind]}/${data.row.id}`} className="nodrag">{data.row.name || data.row.id.slice(0, 8)}</Link>
      <div className="soft">{data.text}</div>
      {data.status && <Status of={data.status} />}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  )
}
const kinds = { box: Box }

/** Left to right: outside networks, routers, own networks, servers. */
export function layout(c: Ctx, act: Data['act']): { nodes: Node<Data>[]; edges: Edge[] } {
  const o = c.offer
  const nets = c.rows('networks').filter(r => own(r, o) || r.shared || r['router:external'])
  const hubs = c.rows('routers').filter(r => own(r, o))
  const guests = c.rows('servers')
  const columns: [Kind, Row[]][] = [['network', nets.filter(n => n['router:external'])], ['router', hubs], ['network', nets.filter(n => !n['router:external'])], ['server', guests]]
  const cidrs = (n: Row) => c.rows('subnets').filter(s => s.network_id === n.id).map(s => s.cidr).join(', ')
  const nodes = columns.flatMap(([kind, rows], x) => rows.map((row, y): Node<Data> => ({
    id: row.id, type: 'box', position: { x: x * 290, y: y * 130 }, draggable: true,
    data: { kind, row, ctx: c, act, status: kind === 'network' ? undefined : row.status, text: kind === 'network' ? cidrs(row) : kind === 'server' ? Object.values(row.addresses ?? {}).flatMap((l: any) => l.map((a: any) => a.addr)).join(', ') : (row.external_gateway_info?.external_fixed_ips ?? []).map((f: Row) => f.ip_address).join(', ') },
  })))
  const there = new Set(nodes.map(n => n.id))
  const edges: Edge[] = []
  for (const r of hubs) if (r.external_gateway_info) edges.push({ id: `gw-${r.id}`, source: r.external_gateway_info.network_id, target: r.id, animated: r.status === 'ACTIVE' })
  for (const p of c.rows('ports')) {
    if (!p.device_id || p.device_owner === 'network:router_gateway') continue
    const router = p.device_owner?.startsWith('network:router') || p.device_owner?.startsWith('network:ha_router')
    edges.push({ id: p.id, source: router ? p.device_id : p.network_id, target: router ? p.network_id : p.device_id, label: (p.fixed_ips ?? []).map((f: Row) => f.ip_address).join(', '), animated: p.status === 'ACTIVE' && !router })
  }
  return { nodes, edges: edges.filter(e => there.has(e.source) && there.has(e.target)) }
}

// A picture of all of this needs five lists; three at first, ports and subnets as they come.
const joins = { networks: lists.networks, routers: lists.routers, servers: lists.servers, ports: lists.ports, subnets: lists.subnets }

export default function Topology() {
  const { ctx, pending, error } = useCtx(joins)
  const server = useAction(defs.server), router = useAction(defs.router), network = useAction(defs.network)
  const by = { server, router, network }
  const act: Data['act'] = (def, a, r) => by[def === defs.server ? 'server' : def === defs.router ? 'router' : 'network'].start(a, [r], ctx)
  const { nodes, edges } = useMemo(() => layout(ctx, act), [ctx]) // eslint-disable-line react-hooks/exhaustive-deps
  const make = (kind: Kind) => defs[kind].actions.find(a => a.on === 'table' && allowed(a, ctx.offer))
  return (
    <>
      <Heading title={t('Network topology')}>{(['server', 'network', 'router'] as Kind[]).map(k => { const a = make(k); return a && <Button key={k} variant="secondary" onClick={() => by[k].start(a, [], ctx)}>{t(a.label)}</Button> })}</Heading>
      {error && <Failure error={error} />}
      {pending ? <Waiting rows={10} /> : nodes.length === 0 ? <Nothing title={t('There is nothing here yet')} text={t('A network of your own connects your servers; a router connects it to others.')} />
        : <div className="topology" role="region" aria-label={t('Network topology')}><ReactFlow key={nodes.length} nodes={nodes} edges={edges} nodeTypes={kinds} fitView fitViewOptions={{ maxZoom: 1 }} nodesConnectable={false} edgesFocusable={false} minZoom={0.1} colorMode={document.documentElement.classList.contains('pf-v6-theme-dark') ? 'dark' : 'light'} proOptions={{ hideAttribution: true }}><Background /><Controls showInteractive={false} /></ReactFlow></div>}
      {server.dialog}{router.dialog}{network.dialog}
    </>
  )
}
