package nova

import (
	"time"

	"stackd/agent/wish"
)

// The vm_state of a server that has moved and waits for its owner's word, and the
// task_states of one that moves.
const (
	Resized         = "resized"
	ResizePrep      = "resize_prep"
	ResizeMigrating = "resize_migrating"
	ResizeMigrated  = "resize_migrated"
	ResizeFinish    = "resize_finish"
	ResizeReverting = "resize_reverting"
	Migrating       = "migrating"
)

// Types of a migration, as nova has them.
const (
	Resizing   = "resize"
	ColdMove   = "migration"
	LiveMove   = "live-migration"
	Evacuation = "evacuation"
)

// MoveGoal is where a migration should get to.
type MoveGoal string

const (
	MoveArrive  MoveGoal = "arrive"  // the server is at the destination
	MoveConfirm MoveGoal = "confirm" // and nothing of it is left at the source
	MoveReturn  MoveGoal = "return"  // the server is at the source, and nothing is left at the destination
	MoveOver    MoveGoal = "over"    // it has ended
)

// A Migration is one move of one server, from host to host or from flavor to flavor. While
// it is under way the server's row names it. The server is where Handed says, and holds
// its share of both hosts until the move is over.
type Migration struct {
	ID        int64 `bun:",pk"`
	UUID      string
	ServerID  string
	ProjectID string
	UserID    string // who asked
	Type      string
	Goal      MoveGoal
	Status    string // as the API has it

	Source    string
	Dest      string // "" until it is chosen
	AskedHost string
	OldFlavor FlavorSnapshot
	NewFlavor FlavorSnapshot
	OldDisks  int64 // the migration that the disks at the source are of
	// Wanted is the power that the server had, and gets again.
	Wanted wish.Power
	// Handed: the server's row names the destination.
	Handed  bool
	Failure string // why it returns, when nobody asked for that

	// Of a live migration: the round of what the destination is told, what its owner said
	// meanwhile, and how far it is.
	Round   int64
	Forced  bool
	Aborted bool
	Leaving wish.Leaving

	// What is seen of the server at that of its two hosts which its row does not name.
	SeenPower      wish.Power
	SeenGeneration int64

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Over tells whether it has ended.
func (m *Migration) Over() bool { return m.Goal == MoveOver }

// Stays tells whether the server changes no more than its flavor.
func (m *Migration) Stays() bool { return m.Source == m.Dest }

// Aside is the other host that has something of the server; "" for none.
func (m *Migration) Aside() string {
	switch {
	case m.Handed && !m.Stays():
		return m.Source
	case !m.Handed && m.Live() && !m.Closed():
		return m.Dest
	}
	return ""
}

// Closed tells whether it is known that the guest of a live migration is and stays where it
// was: nobody is told anything of its move any more. Close says so.
func (m *Migration) Closed() bool { return m.Round < 0 }
func (m *Migration) Close()       { m.Round = -1 }

// Live tells whether the guest runs while it moves.
func (m *Migration) Live() bool { return m.Type == LiveMove }

// AsideGeneration is that of what Aside is told.
func (m *Migration) AsideGeneration(s *Server) int64 {
	if m.Live() && !m.Handed {
		return m.Round
	}
	return s.Generation
}

// Cleared tells whether the other host has nothing of the server any more.
func (m *Migration) Cleared(s *Server) bool {
	return m.SeenPower == wish.Gone && m.SeenGeneration >= m.AsideGeneration(s)
}

// leave is what the source of a live migration is told. One that is given up says so for as
// long as the guest may run elsewhere.
func (m *Migration) leave(s *Server, hosts map[string]*Host) *wish.Leave {
	if !m.Live() || m.Handed || m.Closed() || s.Goal == GoalDeleted || m.Status != "running" {
		return nil
	}
	l := &wish.Leave{ID: m.ID, Host: m.Dest, Force: m.Forced, End: m.Goal == MoveReturn}
	if h := hosts[m.Dest]; h != nil {
		l.At = h.LiveAt
	}
	return l
}

// lands makes what a host is told of its own server what one is told that awaits it.
func (m *Migration) lands(s *Server, v *wish.Server, hosts map[string]*Host) {
	v.Generation, v.DisksOf, v.Power = m.Round, m.ID, wish.Landing
	v.From = &wish.Where{Host: m.Source, DisksOf: m.OldDisks}
	if h := hosts[m.Source]; h != nil {
		v.From.At = h.LiveAt
	}
	switch {
	case s.Goal == GoalDeleted:
		v.Power = wish.Gone
	case m.Goal == MoveReturn:
		v.Power = wish.Revoked
	}
}

// aside is what the host is told that the server's row does not name: to keep the disks
// while the server may still come back.
func (m *Migration) aside(s *Server) wish.Server {
	was := *s
	was.Flavor, was.DisksOf = m.OldFlavor, m.OldDisks
	v := wishOf(&was, nil)
	if v.Power, v.To = wish.Kept, m.Dest; m.Goal != MoveArrive && m.Goal != MoveReturn || s.Goal == GoalDeleted || m.Rescues() {
		v.Power, v.To = wish.Gone, ""
	}
	return v
}

// from is where the destination gets the disks from; they stay there until the move is over.
func (m *Migration) from(hosts map[string]*Host) *wish.Where {
	if !m.Handed || m.Goal == MoveConfirm || m.Live() || m.Rescues() {
		return nil
	}
	w := &wish.Where{Host: m.Source, DisksOf: m.OldDisks}
	if h := hosts[m.Source]; h != nil {
		w.At = h.LiveAt
	}
	return w
}

// A MigrationQuery is which migrations to list.
type MigrationQuery struct {
	Where         map[string][]string // column → values
	Host          string              // source or destination
	ChangesSince  time.Time
	ChangesBefore time.Time
	Marker        string // a UUID
	Limit         int
}
