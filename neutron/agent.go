package neutron

import "time"

// An Agent is a node's part in the networks, as its last report told.
type Agent struct {
	ID           string         `bun:"id,pk"`
	Type         string         `bun:"agent_type"`
	Binary       string         `bun:"binary"`
	Host         string         `bun:"host"`
	AdminStateUp bool           `bun:"admin_state_up"`
	Description  string         `bun:"description"`
	CreatedAt    time.Time      `bun:"created_at"`
	StartedAt    time.Time      `bun:"started_at"`
	HeartbeatAt  time.Time      `bun:"heartbeat_timestamp"`
	Config       map[string]any `bun:"configurations"`
}

// AgentDownAfter is how long an agent may be silent and still count as alive.
const AgentDownAfter = 75 * time.Second

// Alive tells whether the agent reported lately.
func (a *Agent) Alive(now time.Time) bool { return now.Sub(a.HeartbeatAt) < AgentDownAfter }
