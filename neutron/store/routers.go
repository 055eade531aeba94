package store

import (
	"context"

	"stackd/internal/sqldb"
	"stackd/neutron"

	"github.com/uptrace/bun"
)

// Routers is the table of routers.
func (s *Store) Routers() neutron.Table[neutron.Router] {
	return table[neutron.Router]{
		db: s.db, name: "routers", seen: own, load: loadRouters, sorts: columns(commonSorts + "admin_state_up"),
		filters: common(map[string]filter{
			"admin_state_up": boolean("admin_state_up"), "status": alwaysActive, "distributed": boolean("distributed"), "ha": boolean("ha"),
			"gateway_network_id": text("gateway_network_id"),
		}),
	}
}

func loadRouters(ctx context.Context, db *sqldb.DB, rows []neutron.Router, _ neutron.Query) error {
	at := map[string]int{}
	var ids []string
	for i := range rows {
		if id := rows[i].GatewayPortID; id != "" {
			at[id] = i
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var ips []struct{ PortID, SubnetID, Address string }
	err := db.Q(ctx).NewSelect().TableExpr("fixed_ips").ColumnExpr("port_id, subnet_id, ip_address AS address").
		Where("port_id IN (?)", bun.List(ids)).OrderExpr("position").Scan(ctx, &ips)
	for _, f := range ips {
		r := &rows[at[f.PortID]]
		r.GatewayIPs = append(r.GatewayIPs, neutron.FixedIP{SubnetID: f.SubnetID, Address: f.Address})
	}
	return err
}

// FloatingIPs is the table of floating IPs.
func (s *Store) FloatingIPs() neutron.Table[neutron.FloatingIP] {
	return table[neutron.FloatingIP]{
		db: s.db, name: "floatingips", seen: own, load: loadFloatingIPs,
		sorts: columns(commonSorts + "floating_ip_address floating_network_id fixed_ip_address port_id router_id status"),
		filters: common(map[string]filter{
			"floating_network_id": text("floating_network_id"), "floating_ip_address": text("floating_ip_address"), "fixed_ip_address": text("fixed_ip_address"),
			"port_id": text("port_id"), "router_id": text("router_id"), "status": text("status"),
		}),
	}
}

func loadFloatingIPs(ctx context.Context, db *sqldb.DB, rows []neutron.FloatingIP, _ neutron.Query) error {
	var ids []string
	for i := range rows {
		if rows[i].PortID != "" {
			ids = append(ids, rows[i].PortID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var ports []neutron.Port
	if err := db.Q(ctx).NewSelect().Model(&ports).ModelTableExpr("?", aliased[neutron.Port](db.Q(ctx), "ports")).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return err
	}
	_, at := index(ports, func(p *neutron.Port) string { return p.ID })
	for i := range rows {
		if j, ok := at[rows[i].PortID]; ok {
			rows[i].Port = &ports[j]
		}
	}
	return nil
}
