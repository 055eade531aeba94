package api

import (
	"strconv"

	"stackd/internal/fault"
	"stackd/internal/listing"
	"stackd/internal/rest"
	"stackd/nova"
)

func (s *service) migrations() []rest.Route {
	list := &rest.Listing{Key: "migrations", Filters: []string{"hidden", "host", "instance_uuid", "migration_type", "source_compute", "status", "changes-since", "changes-before", "user_id", "project_id"}}
	const at = "/v2.1/servers/{id}/migrations"
	return []rest.Route{
		{On: "GET /v2.1/os-migrations", Rule: "os_compute_api:os-migrations:index", Do: rest.Do(s.listMigrations), List: list},
		{On: "GET " + at, Since: rest.V(2, 23), Rule: "os_compute_api:servers:migrations:index", Do: rest.Do(s.serverMigrations)},
		{On: "POST " + at + "/{migration}/action", Action: "force_complete", Since: rest.V(2, 22), Rule: "os_compute_api:servers:migrations:force_complete", Do: rest.DoNothing(s.forceComplete), Body: s.shelf.Get("servers.forceComplete"), Status: 202},
		{On: "DELETE " + at + "/{migration}", Since: rest.V(2, 24), Rule: "os_compute_api:servers:migrations:delete", Do: rest.DoNothing(s.abortMigration), Status: 202, Mutates: true},
		{On: "GET " + at + "/{migration}", Since: rest.V(2, 23), Rule: "os_compute_api:servers:migrations:show", Do: rest.Do(s.showMigration)},
	}
}

// hostView is the part of a migration that says where: for who may know.
type hostView struct {
	SourceHost string  `wire:"source_compute"`
	DestHost   *string `wire:"dest_compute"`
	SourceNode string  `wire:"source_node"`
	DestNode   *string `wire:"dest_node"`
	DestIP     *string `wire:"dest_host"`
}

func (s *service) hostsOf(m *nova.Migration, ips map[string]string) hostView {
	v := hostView{SourceHost: m.Source, SourceNode: m.Source}
	if m.Dest != "" {
		ip := ips[m.Dest]
		v.DestHost, v.DestNode, v.DestIP = &m.Dest, &m.Dest, &ip
	}
	return v
}

type migrationView struct {
	ID        int64     `wire:"id"`
	UUID      string    `wire:"uuid,2.59.."`
	Status    string    `wire:"status"`
	Server    string    `wire:"instance_uuid"`
	OldFlavor int64     `wire:"old_instance_type_id"`
	NewFlavor int64     `wire:"new_instance_type_id"`
	Type      string    `wire:"migration_type,2.23.."`
	Links     []link    `wire:"links,2.23..,omitempty"`
	Created   *nanoTime `wire:"created_at"`
	Updated   *nanoTime `wire:"updated_at"`
	User      *string   `wire:"user_id,2.80.."`
	Project   *string   `wire:"project_id,2.80.."`
	hostView
}

// listMigrations shows migrations of all projects to those who may see them, and else the
// caller's own.
func (s *service) listMigrations(c *rest.Call, _ struct{}) (listing.Page[migrationView], error) {
	none := listing.Page[migrationView]{}
	q, err := migrationQuery(c)
	if err != nil {
		return none, err
	}
	rows, err := s.c.Migrations(c.Context(), q)
	if err != nil {
		return none, err
	}
	flavors, err := s.flavorNumbers(c)
	if err != nil {
		return none, err
	}
	ips, err := s.addresses(c)
	p := listing.Map(listing.Cut(rows, q.Limit), func(m *nova.Migration) migrationView { return s.viewMigration(c, m, flavors, ips) })
	if p.More {
		c.NextMarker = rows[q.Limit-1].UUID
	}
	return p, err
}

func migrationQuery(c *rest.Call) (q nova.MigrationQuery, err error) {
	l := c.List
	q = nova.MigrationQuery{Where: map[string][]string{}, Host: l.First("host")}
	for filter, column := range map[string]string{"instance_uuid": "server_id", "migration_type": "type", "source_compute": "source", "status": "status", "project_id": "project_id", "user_id": "user_id"} {
		if l.Has(filter) {
			q.Where[column] = l.Where[filter]
		}
	}
	if !c.May("os_compute_api:os-migrations:index:all_projects", c.Own()) {
		q.Where["project_id"] = []string{c.Who.Project.ID}
	}
	if c.From(2, 59) {
		q.Limit, q.Marker = l.Limit, l.Marker
		if q.ChangesSince, err = when(l, "changes-since"); err != nil {
			return q, err
		}
	}
	if c.From(2, 66) {
		q.ChangesBefore, err = when(l, "changes-before")
	}
	return q, err
}

func (s *service) viewMigration(c *rest.Call, m *nova.Migration, flavors map[string]int64, ips map[string]string) migrationView {
	v := migrationView{ID: m.ID, UUID: m.UUID, Status: m.Status, Server: m.ServerID, OldFlavor: flavors[m.OldFlavor.ID], NewFlavor: flavors[m.NewFlavor.ID],
		Type: m.Type, Created: nano(m.CreatedAt), Updated: nano(m.UpdatedAt), User: &m.UserID, Project: &m.ProjectID, hostView: s.hostsOf(m, ips)}
	if m.Type == nova.LiveMove && !m.Over() {
		v.Links = links(c, "servers/"+m.ServerID+"/migrations", text(float64(m.ID)))
	}
	return v
}

// flavorNumbers number the flavors there are: the numbers of old that migrations show.
func (s *service) flavorNumbers(c *rest.Call) (map[string]int64, error) {
	all, err := s.c.Flavors(c.Context(), listing.List{}, nova.FlavorQuery{})
	out := map[string]int64{}
	for n, f := range all {
		out[f.ID] = int64(n + 1)
	}
	return out, err
}

// addresses are the hosts' own.
func (s *service) addresses(c *rest.Call) (map[string]string, error) {
	all, err := s.c.Hosts(c.Context())
	out := map[string]string{}
	for _, h := range all {
		out[h.Name] = h.IP
	}
	return out, err
}

// serverMigration is a live migration under way.
type serverMigration struct {
	ID              int64     `wire:"id"`
	UUID            string    `wire:"uuid,2.59.."`
	Server          string    `wire:"server_uuid"`
	Status          string    `wire:"status"`
	Created         *nanoTime `wire:"created_at"`
	Updated         *nanoTime `wire:"updated_at"`
	MemoryTotal     int64     `wire:"memory_total_bytes"`
	MemoryProcessed int64     `wire:"memory_processed_bytes"`
	MemoryRemaining int64     `wire:"memory_remaining_bytes"`
	DiskTotal       int64     `wire:"disk_total_bytes"`
	DiskProcessed   int64     `wire:"disk_processed_bytes"`
	DiskRemaining   int64     `wire:"disk_remaining_bytes"`
	User            *string   `wire:"user_id,2.80.."`
	Project         *string   `wire:"project_id,2.80.."`
	hostView
}

func (s *service) viewLive(m *nova.Migration, ips map[string]string) serverMigration {
	l := m.Leaving
	return serverMigration{MemoryTotal: l.MemoryTotal, MemoryProcessed: l.MemoryDone, MemoryRemaining: l.MemoryLeft, DiskTotal: l.DiskTotal, DiskProcessed: l.DiskDone, DiskRemaining: l.DiskLeft, ID: m.ID, UUID: m.UUID, Server: m.ServerID, Status: m.Status, Created: nano(m.CreatedAt), Updated: nano(m.UpdatedAt), User: &m.UserID, Project: &m.ProjectID, hostView: s.hostsOf(m, ips)}
}

// serverMigrations are a server's live migrations that are under way.
func (s *service) serverMigrations(c *rest.Call, in byID) (map[string][]serverMigration, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	m, err := s.c.MoveOf(c.Context(), r)
	out := []serverMigration{}
	if err != nil || m == nil || m.Type != nova.LiveMove {
		return map[string][]serverMigration{"migrations": out}, err
	}
	ips, err := s.addresses(c)
	return map[string][]serverMigration{"migrations": append(out, s.viewLive(m, ips))}, err
}

type migrationPath struct {
	byID
	Migration string `path:"migration"`
}

func (s *service) forceComplete(c *rest.Call, in migrationPath) error {
	s.ctx(c)
	id, err := migrationID(in)
	if err != nil {
		return err
	}
	return s.c.ForceComplete(c.Context(), in.ID, id)
}

// abortMigration: since 2.65 also one that has not begun to copy.
func (s *service) abortMigration(c *rest.Call, in migrationPath) error {
	s.ctx(c)
	id, err := migrationID(in)
	if err != nil {
		return err
	}
	return s.c.AbortMigration(c.Context(), in.ID, id, c.From(2, 65))
}

func migrationID(in migrationPath) (int64, error) {
	id, err := strconv.ParseInt(in.Migration, 10, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "Migration %s not found for instance %s", in.Migration, in.ID)
	}
	return id, nil
}

func (s *service) showMigration(c *rest.Call, in migrationPath) (map[string]serverMigration, error) {
	r, err := s.c.Visible(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	m, err := s.liveMove(c, r, in.Migration)
	if err != nil {
		return nil, err
	}
	ips, err := s.addresses(c)
	return map[string]serverMigration{"migration": s.viewLive(m, ips)}, err
}

// liveMove finds a server's live migration under way by its number.
func (s *service) liveMove(c *rest.Call, r *nova.Server, id string) (*nova.Migration, error) {
	m, err := s.c.MoveOf(c.Context(), r)
	switch {
	case err != nil:
		return nil, err
	case m == nil || text(float64(m.ID)) != id:
		return nil, fault.New(fault.NotFound, "In-progress live migration %s is not found for server %s.", id, r.ID)
	case m.Type != nova.LiveMove:
		return nil, fault.New(fault.NotFound, "Migration %s is not a live migration for server %s.", id, r.ID)
	}
	return m, nil
}
