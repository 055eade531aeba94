package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
)

// Ports is the table of ports.
func (s *Store) Ports() neutron.Table[neutron.Port] {
	return table[neutron.Port]{
		db: s.db, name: "ports", seen: seenPorts, load: loadPorts, save: savePort, drop: dropPorts,
		sorts: columns(commonSorts + "network_id mac_address admin_state_up status device_id device_owner binding:host_id=host"),
		filters: common(map[string]filter{
			"network_id": text("network_id"), "mac_address": text("mac_address"), "admin_state_up": boolean("admin_state_up"), "status": text("status"),
			"device_id": text("device_id"), "device_owner": text("device_owner"), "port_security_enabled": boolean("port_security_enabled"),
			"dns_name": text("dns_name"), "binding:host_id": text("host"), "binding:vnic_type": text("vnic_type"), "binding:vif_type": vifType,
			"fixed_ips": byAddress, "security_groups": byGroup, "attached": boolean("attached"),
		}),
	}
}

// seenPorts: one's own, and those on one's own networks.
func seenPorts(q *bun.SelectQuery, project string) *bun.SelectQuery {
	return q.Where("(project_id = ? OR network_id IN (SELECT id FROM networks WHERE networks.project_id = ?))", project, project)
}

func vifType(q *bun.SelectQuery, _ string, values []string) *bun.SelectQuery {
	return q.Where("CASE WHEN host = '' THEN 'unbound' ELSE 'ovs' END IN (?)", bun.List(values))
}

// byAddress takes subnet_id=, ip_address= and ip_address_substr=; those of a kind
// are alternatives.
func byAddress(q *bun.SelectQuery, _ string, values []string) *bun.SelectQuery {
	by := map[string][]string{}
	for _, v := range values {
		name, value, _ := strings.Cut(v, "=")
		by[name] = append(by[name], value)
	}
	sub := q.NewSelect().TableExpr("fixed_ips").Column("port_id")
	if v := by["subnet_id"]; v != nil {
		sub = sub.Where("subnet_id IN (?)", bun.List(v))
	}
	if v := by["ip_address"]; v != nil {
		sub = sub.Where("ip_address IN (?)", bun.List(v))
	}
	for _, v := range by["ip_address_substr"] {
		sub = sub.Where("ip_address LIKE ? ESCAPE '!'", "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(v)+"%")
	}
	return q.Where("id IN (?)", sub)
}

func byGroup(q *bun.SelectQuery, _ string, values []string) *bun.SelectQuery {
	return q.Where("id IN (SELECT port_id FROM port_security_groups WHERE security_group_id IN (?))", bun.List(values))
}

func loadPorts(ctx context.Context, db *sqldb.DB, rows []neutron.Port, _ neutron.Query) error {
	ids, at := index(rows, func(p *neutron.Port) string { return p.ID })
	var ips []struct{ PortID, SubnetID, Address string }
	err := db.Q(ctx).NewSelect().TableExpr("fixed_ips").ColumnExpr("port_id, subnet_id, ip_address AS address").
		Where("port_id IN (?)", bun.List(ids)).OrderExpr("position").Scan(ctx, &ips)
	if err != nil {
		return err
	}
	for _, f := range ips {
		p := &rows[at[f.PortID]]
		p.FixedIPs = append(p.FixedIPs, neutron.FixedIP{SubnetID: f.SubnetID, Address: f.Address})
	}
	var groups []struct{ PortID, SecurityGroupID string }
	err = db.Q(ctx).NewSelect().TableExpr("port_security_groups").Column("port_id", "security_group_id").
		Where("port_id IN (?)", bun.List(ids)).OrderExpr("security_group_id").Scan(ctx, &groups)
	for _, g := range groups {
		p := &rows[at[g.PortID]]
		p.SecurityGroups = append(p.SecurityGroups, g.SecurityGroupID)
	}
	if err != nil {
		return err
	}
	return loadOwners(ctx, db, rows)
}

// loadOwners reads whose networks the ports are on.
func loadOwners(ctx context.Context, db *sqldb.DB, rows []neutron.Port) error {
	by := map[string][]int{}
	for i := range rows {
		by[rows[i].NetworkID] = append(by[rows[i].NetworkID], i)
	}
	var nets []struct{ ID, ProjectID string }
	err := db.Q(ctx).NewSelect().TableExpr("networks").Column("id", "project_id").Where("id IN (?)", bun.List(slices.Collect(maps.Keys(by)))).Scan(ctx, &nets)
	for _, n := range nets {
		for _, i := range by[n.ID] {
			rows[i].NetworkProject = n.ProjectID
		}
	}
	return err
}

type fixedIP struct {
	bun.BaseModel `bun:"table:fixed_ips"`
	PortID        string
	Position      int
	SubnetID      string
	IPAddress     string `bun:"ip_address"`
}

type member struct {
	bun.BaseModel   `bun:"table:port_security_groups"`
	PortID          string
	SecurityGroupID string
}

// savePort writes a port's addresses and groups anew.
func savePort(ctx context.Context, db *sqldb.DB, p *neutron.Port, fresh bool) error {
	if !fresh {
		if err := dropPorts(ctx, db, []string{p.ID}); err != nil {
			return err
		}
	}
	var ips []fixedIP
	for i, f := range p.FixedIPs {
		ips = append(ips, fixedIP{PortID: p.ID, Position: i, SubnetID: f.SubnetID, IPAddress: f.Address})
	}
	if len(ips) > 0 {
		if _, err := db.Q(ctx).NewInsert().Model(&ips).Exec(ctx); err != nil {
			return err
		}
	}
	var groups []member
	for _, g := range p.SecurityGroups {
		groups = append(groups, member{PortID: p.ID, SecurityGroupID: g})
	}
	if len(groups) == 0 {
		return nil
	}
	_, err := db.Q(ctx).NewInsert().Model(&groups).Exec(ctx)
	return err
}

func dropPorts(ctx context.Context, db *sqldb.DB, ids []string) error {
	for _, t := range []string{"fixed_ips", "port_security_groups"} {
		if _, err := db.Q(ctx).NewDelete().TableExpr(t).Where("port_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// SetPortStatus changes nothing else.
func (s *Store) SetPortStatus(ctx context.Context, id, status string) (bool, error) {
	r, err := s.db.Q(ctx).NewUpdate().TableExpr("ports").Set("status = ?", status).Set("revision = revision + 1").Set("updated_at = ?", s.Now()).
		Where("id = ? AND status <> ?", id, status).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
