package daemon

import (
	"fmt"
	"testing"

	"stackd/agent/peers"
)

const someStatus = `d4c2
Name: OVN_Northbound
Status: cluster member
Role: leader
Servers:
    d4c2 (d4c2 at ssl:192.0.2.1:6643) (self) next_index=2 match_index=9
    1f2e (1f2e at ssl:192.0.2.2:6643) next_index=10 match_index=9 last msg 120 ms ago
    77aa (77aa at ssl:192.0.2.3:6643) next_index=10 match_index=4 last msg 41000 ms ago
    9b01 (9b01 at ssl:192.0.2.3:6643) next_index=10 match_index=9 last msg 80 ms ago
    5c5c (5c5c at ssl:192.0.2.4:6643) next_index=10 match_index=0
`

// The server that was at an address before is put out: not one that speaks, not the
// leader itself, and not one that is only away.
func TestReplaced(t *testing.T) {
	now := []peers.Member{{Address: "ssl:192.0.2.1:6643", Server: "0000-wrong"}, {Address: "ssl:192.0.2.2:6643", Server: "ffff-wrong"},
		{Address: "ssl:192.0.2.3:6643", Server: "9b01d1b2-1"}, {Address: "ssl:192.0.2.4:6643", Server: "5c5c0000-1"}}
	if got := fmt.Sprint(replaced(someStatus, now)); got != "[77aa]" {
		t.Error(got)
	}
}
