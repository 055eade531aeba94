// Quotas of a project, and the defaults of all.
import { Button, Card, CardBody, CardTitle, Form, FormGroup, TextInput } from '@patternfly/react-core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { send, type Service } from '../core/api'
import { useGet } from '../core/data'
import { useCloud } from '../core/session'
import { t, type Key } from '../i18n'
import { failed, notify } from '../ui/notices'
import { Equivalent } from '../ui/form'
import { Failure, Waiting } from '../ui/parts'
import { Heading } from './panel'

const names: Record<string, Key> = { instances: 'Servers', cores: 'vCPUs', ram: 'Memory in MiB', key_pairs: 'Key pairs', server_groups: 'Server groups', server_group_members: 'Members of a server group', metadata_items: 'Metadata of a server', volumes: 'Volumes', snapshots: 'Snapshots', gigabytes: 'Volumes and snapshots in GiB', backups: 'Backups', backup_gigabytes: 'Backups in GiB', groups: 'Volume groups', per_volume_gigabytes: 'Largest volume in GiB', network: 'Networks', subnet: 'Subnets', port: 'Ports', router: 'Routers', floatingip: 'Floating IPs', security_group: 'Security groups', security_group_rule: 'Rules of security groups', subnetpool: 'Subnet pools', rbac_policy: 'RBAC policies', trunk: 'Trunks' }

interface Set { service: Service; label: Key; get: string; put: string; key: string; cli: string; kind: string }

const sets = (project: string): Set[] => [
  { service: 'compute', label: 'Compute', get: `/v2.1/os-quota-sets/${project}`, put: `/v2.1/os-quota-sets/${project}`, key: 'quota_set', cli: project, kind: 'server' },
  { service: 'volume', label: 'Volumes', get: `/v3/os-quota-sets/${project}`, put: `/v3/os-quota-sets/${project}`, key: 'quota_set', cli: project, kind: 'volume' },
  { service: 'network', label: 'Network', get: `/v2.0/quotas/${project}`, put: `/v2.0/quotas/${project}`, key: 'quota', cli: project, kind: 'network' },
]
const defaults: Set[] = [
  { service: 'compute', label: 'Compute', get: '/v2.1/os-quota-class-sets/default', put: '/v2.1/os-quota-class-sets/default', key: 'quota_class_set', cli: '--class default', kind: 'server' },
  { service: 'volume', label: 'Volumes', get: '/v3/os-quota-class-sets/default', put: '/v3/os-quota-class-sets/default', key: 'quota_class_set', cli: '--class default', kind: 'volume' },
]

export function ProjectQuotas({ project }: { project: string }) {
  const offer = useCloud()
  return <>{sets(project).filter(s => offer.has(s.service)).map(s => <One key={s.service} set={s} />)}</>
}

export function DefaultQuotas() {
  const offer = useCloud()
  return <><Heading title={t('Default quotas')} text={t('Of projects that have none of their own. −1 is no limit.')} />{defaults.filter(s => offer.has(s.service)).map(s => <One key={s.service} set={s} />)}</>
}

/** Whole numbers from −1 are quotas. */
export const goodQuota = (v: string) => /^-?\d+$/.test(v.trim()) && Number(v) >= -1

function One({ set: s }: { set: Set }) {
  const client = useQueryClient()
  const [edit, setEdit] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const q = useGet([`quota-${s.kind}`], s.service, s.get, { every: 60_000 })
  const now: Record<string, number> = Object.fromEntries(Object.entries(q.data?.[s.key] ?? {}).filter(([k, v]) => typeof v === 'number' && k in names)) as Record<string, number>
  const changed = Object.fromEntries(Object.entries(edit).filter(([k, v]) => goodQuota(v) && Number(v) !== now[k]).map(([k, v]) => [k, Number(v)]))
  const bad = Object.entries(edit).some(([, v]) => !goodQuota(v))
  const call = { service: s.service, method: 'PUT' as const, path: s.put, body: { [s.key]: changed } }
  const save = async () => {
    setBusy(true)
    try { await send(call); setEdit({}); notify({ kind: 'success', title: `${t('Quotas')}: ${t('accepted')}` }); await client.invalidateQueries({ queryKey: [`quota-${s.kind}`] }) } catch (e) { failed(t('Quotas'), e) } finally { setBusy(false) }
  }
  return (
    <Card className="card"><CardTitle component="h2">{t(s.label)}</CardTitle><CardBody>
      {q.error ? <Failure error={q.error} retry={() => q.refetch()} /> : q.isPending ? <Waiting rows={4} /> : <Form onSubmit={e => { e.preventDefault(); if (!bad && Object.keys(changed).length) void save() }}>
        <div className="quota-grid">{Object.entries(now).map(([k, v]) => <FormGroup key={k} label={t(names[k]!)} fieldId={`q-${s.service}-${k}`}><TextInput id={`q-${s.service}-${k}`} inputMode="numeric" value={edit[k] ?? String(v)} validated={k in edit && !goodQuota(edit[k]!) ? 'error' : 'default'} onChange={(_, x) => setEdit(o => ({ ...o, [k]: x }))} /></FormGroup>)}</div>
        <div><Button type="submit" isDisabled={busy || bad || !Object.keys(changed).length} isLoading={busy}>{t('Save')}</Button></div>
        {Object.keys(changed).length > 0 && <Equivalent cli={`openstack quota set ${Object.entries(changed).map(([k, v]) => `--${k.replace(/_/g, '-')} ${v}`).join(' ')} ${s.cli}`} calls={[call]} />}
      </Form>}
    </CardBody></Card>
  )
}
