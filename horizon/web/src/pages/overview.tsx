// The project at a glance: what of its quotas is in use, what it has used over time.
import { Card, CardBody, CardTitle } from '@patternfly/react-core'
import { lazy, Suspense, useMemo, useState } from 'react'
import { ApiError } from '../core/api'
import { useGet } from '../core/data'
import { bytes, num } from '../core/format'
import { useCloud } from '../core/session'
import { t, type Key } from '../i18n'
import { Failure, Waiting } from '../ui/parts'
import { save } from '../ui/table'
import { Heading } from './panel'

const Chart = lazy(() => import('../ui/chart'))

export interface Gauge { label: Key; used: number; most: number; text?: (n: number) => string; to?: string }

export function Gauges({ list }: { list: Gauge[] }) {
  return <div className="gauges">{list.map(g => <One key={g.label} g={g} />)}</div>
}

function One({ g }: { g: Gauge }) {
  const text = g.text ?? num
  const part = g.most < 0 ? 0 : g.most === 0 ? (g.used > 0 ? 1 : 0) : Math.min(1, g.used / g.most)
  const tone = part >= 0.95 ? 'full' : part >= 0.8 ? 'high' : ''
  return (
    <div className="gauge" role="group" aria-label={t(g.label)}>
      <svg viewBox="0 0 36 36" width="56" height="56" aria-hidden="true"><circle cx="18" cy="18" r="15" className="track" pathLength={100} />{part > 0 && <circle cx="18" cy="18" r="15" className={`part ${tone}`} pathLength={100} strokeDasharray={`${Math.max(2, part * 100)} 100`} transform="rotate(-90 18 18)" />}</svg>
      <div><div className="gauge-name">{t(g.label)}</div><div className="gauge-value"><strong>{text(g.used)}</strong> <span className="soft">{g.most < 0 ? t('no limit') : t('of {n}', { n: text(g.most) })}</span></div></div>
    </div>
  )
}

/** Quotas that a project's members may not see are left out. */
const refused = (e: Error) => e instanceof ApiError && e.status === 403

const day = 86_400_000
const iso = (d: Date) => d.toISOString().slice(0, 19)

export default function Overview() {
  const offer = useCloud()
  const compute = useGet(['server', 'keypair', 'server_group'], 'compute', '/v2.1/limits')
  const volume = useGet(['volume', 'snapshot', 'backup'], 'volume', '/v3/limits')
  const network = useGet(['network', 'port', 'router', 'floatingip', 'security_group', 'security_group_rule', 'subnet'], 'network', `/v2.0/quotas/${offer.project}/details.json`, { need: 'network:quota_details' })
  const c = compute.data?.limits?.absolute, v = volume.data?.limits?.absolute, n = network.data?.quota
  const lists: [Key, Gauge[]][] = [
    ['Compute', c ? [{ label: 'Servers', used: c.totalInstancesUsed, most: c.maxTotalInstances }, { label: 'vCPUs', used: c.totalCoresUsed, most: c.maxTotalCores }, { label: 'Memory', used: c.totalRAMUsed, most: c.maxTotalRAMSize, text: (x: number) => bytes(x * 2 ** 20) }, { label: 'Server groups', used: c.totalServerGroupsUsed, most: c.maxServerGroups }] : []],
    ['Volumes', v ? [{ label: 'Volumes', used: v.totalVolumesUsed, most: v.maxTotalVolumes }, { label: 'Volume storage', used: v.totalGigabytesUsed, most: v.maxTotalVolumeGigabytes, text: (x: number) => bytes(x * 2 ** 30) }, { label: 'Snapshots', used: v.totalSnapshotsUsed, most: v.maxTotalSnapshots }, { label: 'Backups', used: v.totalBackupsUsed, most: v.maxTotalBackups }] : []],
    ['Network', n ? ([['Networks', 'network'], ['Subnets', 'subnet'], ['Ports', 'port'], ['Routers', 'router'], ['Floating IPs', 'floatingip'], ['Security groups', 'security_group'], ['Rules of security groups', 'security_group_rule']] as [Key, string][]).filter(([, k]) => n[k]).map(([label, k]) => ({ label, used: n[k].used, most: n[k].limit })) : []],
  ]
  return (
    <>
      <Heading title={t('Overview')} text={offer.session.project?.name} />
      {[compute, volume, network].map((q, i) => q.error && !refused(q.error) && <Failure key={i} error={q.error} retry={() => q.refetch()} />)}
      {[compute, volume, network].every(q => q.isPending) && <Waiting />}
      {lists.filter(([, g]) => g.length > 0).map(([name, g]) => <Card key={name} className="card"><CardTitle component="h2">{t(name)}</CardTitle><CardBody><Gauges list={g} /></CardBody></Card>)}
      {offer.ext('compute', 'os-simple-tenant-usage') && <Usage />}
    </>
  )
}

export const shareOf = (s: any, from: number, to: number) => { // hours of a server within a span
  const begin = Date.parse(s.started_at + (s.started_at.endsWith('Z') ? '' : 'Z')), end = s.ended_at ? Date.parse(s.ended_at + (s.ended_at.endsWith('Z') ? '' : 'Z')) : Date.now()
  return Math.max(0, Math.min(to, end) - Math.max(from, begin)) / 3_600_000
}

function Usage() {
  const { project } = useCloud()
  const [days, setDays] = useState(30)
  const [asked, ask] = useState(false)
  const [to] = useState(() => new Date(Math.floor(Date.now() / 60000) * 60000))
  const from = useMemo(() => new Date(to.getTime() - days * day), [to, days])
  const usage = useGet(['usage'], 'compute', `/v2.1/os-simple-tenant-usage/${project}?start=${iso(from)}&end=${iso(to)}`, { enabled: asked, every: 300_000 })
  const u = usage.data?.tenant_usage
  const series = useMemo(() => {
    const step = days * day / 60
    const x: number[] = [], cpu: number[] = [], ram: number[] = []
    for (let i = 0; i < 60; i++) {
      const a = from.getTime() + i * step, b = a + step
      x.push(b / 1000)
      let vcpus = 0, mb = 0
      for (const s of u?.server_usages ?? []) { const part = shareOf(s, a, b) / (step / 3_600_000); vcpus += part * s.vcpus; mb += part * s.memory_mb }
      cpu.push(vcpus); ram.push(mb / 1024)
    }
    return [x, cpu, ram] as const
  }, [u, from, days])
  const rows = () => ['name,flavor,vcpus,memory_mb,local_gb,hours,state', ...(u?.server_usages ?? []).map((s: any) => [s.name, s.flavor, s.vcpus, s.memory_mb, s.local_gb, s.hours.toFixed(2), s.state].map((f: any) => /^[=+\-@]/.test(String(f)) ? `'${f}` : f).map((f: any) => `"${String(f).replace(/"/g, '""')}"`).join(','))].join('\r\n')
  return (
    <Card className="card">
      <CardTitle component="h2"><span className="card-head">{t('Usage')}
        <span className="card-acts">{[7, 30, 90].map(d => <button type="button" key={d} className={`chip ${asked && d === days ? 'on' : ''}`} aria-pressed={asked && d === days} onClick={() => { setDays(d); ask(true) }}>{t('{n} days', { n: d })}</button>)}{u && <button type="button" className="chip" onClick={() => save('usage.csv', rows(), 'text/csv')}>CSV</button>}</span></span></CardTitle>
      <CardBody>
        {!asked && <p className="soft">{t('Choose a span of time.')}</p>}
        {usage.error && <Failure error={usage.error} retry={() => usage.refetch()} />}
        {asked && usage.isPending && <Waiting rows={4} />}
        {u && <><p>{t('{v} vCPU hours, {m} GiB hours of memory, {d} GiB hours of disk', { v: u.total_vcpus_usage.toFixed(1), m: (u.total_memory_mb_usage / 1024).toFixed(1), d: u.total_local_gb_usage.toFixed(1) })}</p><Suspense fallback={<Waiting rows={4} />}><Chart data={series} names={[t('vCPUs'), t('Memory in GiB')]} /></Suspense></>}
        {asked && usage.data && !u && <p className="soft">{t('Nothing was used in this time.')}</p>}
      </CardBody>
    </Card>
  )
}
