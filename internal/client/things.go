package client

import (
	"context"
	"encoding/json"
	"strings"
)

// A Thing is what most answers have.
type Thing struct{ ID, Name, Status string }

// Named is the thing of that name in a listing, nil if there is none. key is the
// listing's: "networks".
func (c *Client) Named(ctx context.Context, service, path, key, name string) (*Thing, error) {
	var out map[string]json.RawMessage
	if err := c.Do(ctx, "GET", service, path, nil, &out); err != nil {
		return nil, err
	}
	var list []Thing
	if err := json.Unmarshal(out[key], &list); err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.Name == name {
			return &t, nil
		}
	}
	return nil, nil
}

// Ensure is Named, making the thing when it is missing. one is what a single one is
// wrapped in, "network"; "" is not at all, as images are.
func (c *Client) Ensure(ctx context.Context, service, path, key, one, name string, make map[string]any) (t Thing, made bool, err error) {
	have, err := c.Named(ctx, service, path, key, name)
	if err != nil {
		return t, false, err
	}
	if have != nil {
		return *have, false, nil
	}
	make["name"] = name
	plain, _, _ := strings.Cut(path, "?")
	if one == "" {
		err := c.Do(ctx, "POST", service, plain, make, &t)
		return t, true, err
	}
	var out map[string]json.RawMessage
	if err := c.Do(ctx, "POST", service, plain, map[string]any{one: make}, &out); err != nil {
		return t, false, err
	}
	err = json.Unmarshal(out[one], &t)
	return t, true, err
}
