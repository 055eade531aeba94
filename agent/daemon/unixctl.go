package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// unixctl asks an OVS daemon through its control socket, as ovs-appctl(8) does.
func unixctl(ctx context.Context, sock, method string, params ...string) (string, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", sock)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if params == nil {
		params = []string{}
	}
	if err := json.NewEncoder(c).Encode(map[string]any{"method": method, "params": params, "id": 0}); err != nil {
		return "", err
	}
	var answer struct {
		Result, Error *string
	}
	if err := json.NewDecoder(c).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Error != nil {
		return "", fmt.Errorf("%s: %s", method, *answer.Error)
	}
	if answer.Result == nil {
		return "", nil
	}
	return *answer.Result, nil
}
