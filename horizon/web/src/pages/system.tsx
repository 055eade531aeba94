// Which services run where.
import { Tab, TabTitleText, Tabs } from '@patternfly/react-core'
import type { Resource } from '../core/resource'
import { setQuery, useWhere } from '../core/router'
import { useCloud } from '../core/session'
import { t } from '../i18n'
import { call, lists } from '../things/common'
import { Ago, Status } from '../ui/parts'
import { osc } from '../core/format'
import { Heading, SubList, tabBody } from './panel'

const up = { id: 'state', label: 'State' as const, value: (r: any) => r.state, show: (r: any) => <Status of={r.state} note={r.status === 'disabled' ? t('disabled') : undefined} /> }
const seen = { id: 'seen', label: 'Last seen' as const, value: (r: any) => r.updated_at, show: (r: any) => <Ago at={r.updated_at} /> }

const compute: Resource = { id: 'compute-services', label: 'Compute services', one: 'Service', source: lists.services, rowName: r => `${r.binary} ${r.host}`, noDetails: true, columns: [{ id: 'name', label: 'Name', value: r => r.binary }, { id: 'host', label: 'Host', value: r => r.host }, { id: 'zone', label: 'Availability zone', value: r => r.zone }, up, seen], actions: [] }
const volume: Resource = { id: 'volume-services', label: 'Block storage services', one: 'Service', source: () => ({ service: 'volume', path: '/v3/os-services', key: 'services', kinds: ['host'] }), rowId: r => `${r.binary} ${r.host}`, rowName: r => `${r.binary} ${r.host}`, noDetails: true, columns: [{ id: 'name', label: 'Name', value: r => r.binary }, { id: 'host', label: 'Host', value: r => r.host }, { id: 'zone', label: 'Availability zone', value: r => r.zone }, up, seen], actions: [] }
const network: Resource = { id: 'network-agents', label: 'Network agents', one: 'Agent', source: () => ({ service: 'network', path: '/v2.0/agents', key: 'agents', kinds: ['host'] }), rowName: r => `${r.agent_type} ${r.host}`, noDetails: true,
  columns: [{ id: 'name', label: 'Type', value: r => r.agent_type }, { id: 'host', label: 'Host', value: r => r.host }, { id: 'state', label: 'State', value: r => r.alive ? 'up' : 'down', show: r => <Status of={r.alive ? 'up' : 'down'} note={r.admin_state_up ? undefined : t('disabled')} /> }, { id: 'seen', label: 'Last seen', value: r => r.heartbeat_timestamp, show: r => <Ago at={r.heartbeat_timestamp} /> }],
  actions: [{ id: 'delete', label: 'Delete', danger: true, on: 'bulk', admin: true, when: r => !r.alive, calls: (_, r) => [call('network', 'DELETE', `/v2.0/agents/${r.id}`)], cli: (_, r) => osc('network agent delete', {}, r.id) }] }
const pools: Resource = { id: 'pools', label: 'Storage pools', one: 'Pool', source: () => ({ service: 'volume', path: '/v3/scheduler-stats/get_pools?detail=true', key: 'pools', kinds: ['host'] }), rowId: r => r.name, noDetails: true, columns: [{ id: 'name', label: 'Name', value: r => r.name }, { id: 'protocol', label: 'Protocol', value: r => r.capabilities?.storage_protocol }, { id: 'total', label: 'Total in GiB', value: r => Math.round(r.capabilities?.total_capacity_gb) }, { id: 'free', label: 'Free in GiB', value: r => Math.round(r.capabilities?.free_capacity_gb) }], actions: [] }

export default function System() {
  const offer = useCloud()
  const { query } = useWhere()
  const tabs = ([['compute', compute, 'compute:os-services'], ['volume', volume, 'volume'], ['pools', pools, 'volume'], ['network', network, 'network:agent']] as [string, Resource, string][]).filter(x => offer.has(x[2]))
  const at = tabs.find(x => x[0] === query.get('tab')) ?? tabs[0]
  return (
    <>
      <Heading title={t('System information')} />
      <Tabs activeKey={at?.[0]} onSelect={(_, k) => setQuery({ tab: String(k) })} aria-label={t('System information')}>{tabs.map(x => <Tab key={x[0]} eventKey={x[0]} tabContentId={tabBody} title={<TabTitleText>{t(x[1].label)}</TabTitleText>} />)}</Tabs>
      <div className="tab-body" id={tabBody} role="tabpanel">{at && <SubList key={at[0]} def={at[1]} only={() => true} />}</div>
    </>
  )
}
