// The cloud at a glance: hosts, capacity, services, what is wrong.
import { Alert, Card, CardBody, CardTitle } from '@patternfly/react-core'
import { useGet, useList } from '../core/data'
import { bytes } from '../core/format'
import { Link } from '../core/router'
import { t } from '../i18n'
import { lists } from '../things/common'
import { Failure, Status, Waiting } from '../ui/parts'
import { Gauges, type Gauge } from './overview'
import { Heading } from './panel'

export default function AdminOverview() {
  const stats = useGet(['server', 'host'], 'compute', '/v2.1/os-hypervisors/statistics', { need: 'compute:os-hypervisors', every: 10_000, version: 'compute 2.87' /* the last that has it */ })
  const hosts = useList(lists.services())
  const pools = useGet(['volume', 'host'], 'volume', '/v3/scheduler-stats/get_pools?detail=true', { every: 30_000 })
  const s = stats.data?.hypervisor_statistics
  const gauges: Gauge[] = s ? [{ label: 'vCPUs', used: s.vcpus_used, most: s.vcpus }, { label: 'Memory', used: s.memory_mb_used, most: s.memory_mb, text: n => bytes(n * 2 ** 20) }, { label: 'Disk', used: s.local_gb_used, most: s.local_gb, text: n => bytes(n * 2 ** 30) }, { label: 'Servers running', used: s.running_vms, most: -1 }, { label: 'Hypervisors', used: s.count, most: -1 }] : []
  for (const p of pools.data?.pools ?? []) { const c = p.capabilities; if (Number.isFinite(c.total_capacity_gb)) gauges.push({ label: 'Volume storage', used: c.total_capacity_gb - c.free_capacity_gb, most: c.total_capacity_gb, text: n => bytes(n * 2 ** 30) }) }
  const down = (hosts.data ?? []).filter(h => h.state !== 'up' || h.forced_down)
  const off = (hosts.data ?? []).filter(h => h.status === 'disabled')
  return (
    <>
      <Heading title={t('Overview')} text={t('The whole cloud')} />
      {[stats, hosts, pools].map((q, i) => q.error && <Failure key={i} error={q.error} retry={() => q.refetch()} />)}
      {down.length > 0 && <Alert isInline variant="danger" title={t('{n} services are down', { n: down.length })} className="card"><ul>{down.map(h => <li key={h.id}>{h.binary} · {h.host}</li>)}</ul></Alert>}
      {off.length > 0 && <Alert isInline variant="warning" title={t('{n} services are disabled', { n: off.length })} className="card"><ul>{off.map(h => <li key={h.id}>{h.binary} · {h.host}{h.disabled_reason ? `: ${h.disabled_reason}` : ''}</li>)}</ul></Alert>}
      {hosts.data && down.length === 0 && <Alert isInline variant="success" title={t('All hosts answer')} className="card" />}
      <Card className="card"><CardTitle component="h2">{t('Capacity')}</CardTitle><CardBody>{stats.isPending && !stats.error ? <Waiting rows={3} /> : <Gauges list={gauges} />}</CardBody></Card>
      <Card className="card"><CardTitle component="h2"><span className="card-head">{t('Hosts')}<Link to="/admin/hypervisors">{t('Hypervisors')}</Link></span></CardTitle><CardBody>
        {hosts.isPending && !hosts.error ? <Waiting rows={4} /> : <div className="hosts">{(hosts.data ?? []).map(h => <div key={h.id} className="host"><strong>{h.host}</strong><span className="soft">{h.binary} · {h.zone}</span><Status of={h.state} note={h.status === 'disabled' ? t('disabled') : undefined} /></div>)}</div>}
      </CardBody></Card>
    </>
  )
}
