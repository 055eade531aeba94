package cloud

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"stackd/agent/wire"
	"stackd/cinder"
	cinderfar "stackd/cinder/far"
	"stackd/glance"
	"stackd/glance/file"
	"stackd/glance/mirror"
)

// mirrored has a store of local files be the same at all control planes: a folder that
// nobody has named is one that they do not share.
func (c *Cloud) mirrored(id string, local *file.Files, peers []string) (glance.Backend, error) {
	client, err := c.peerClient()
	if err != nil {
		return nil, err
	}
	path := "/images/" + id + "/"
	c.Peer.Handle(path, http.StripPrefix(path[:len(path)-1], mirror.Serve(local)))
	var others []string
	for _, p := range peers {
		others = append(others, p+path)
	}
	m := mirror.New(local, client, others...)
	c.loops = append(c.loops, every(time.Minute, func(ctx context.Context) error { return c.Imaging.EachIn(ctx, id, m.Fetch) }))
	return m, nil
}

// elsewhere tells whether a backend of volumes is another control plane's.
func elsewhere(cfg Config) bool {
	return len(cfg.Peers) > 0 && slices.ContainsFunc(cfg.Volume.Backends, func(b cinder.BackendOptions) bool { return b.Host != "" && b.Host != cfg.Self })
}

// between serves a backend that is here to other control planes, or is one of theirs.
func (c *Cloud) between(b cinder.BackendOptions, here cinder.Backend, cfg Config) (cinder.Backend, error) {
	path := "/volumes/" + b.Name
	if b.Host == cfg.Self {
		c.Peer.Handle(path+"/", http.StripPrefix(path, cinderfar.Serve(here)))
		return here, nil
	}
	for _, p := range cfg.Peers {
		if u, err := url.Parse(p); err == nil && u.Hostname() == b.Host {
			client, err := c.peerClient()
			client.Timeout = time.Minute
			return cinderfar.New(here, client, p+path), err
		}
	}
	return nil, fmt.Errorf("host %s is none of the control planes", b.Host)
}

// peerClient calls other control planes. One that does not answer is given up soon, also
// in the middle of a stream.
func (c *Cloud) peerClient() (*http.Client, error) {
	t, err := wire.DatabasesTLS(c.Gate)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: t, ForceAttemptHTTP2: true, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext, TLSHandshakeTimeout: 3 * time.Second,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 4 * time.Second, PingTimeout: 3 * time.Second}}}, err
}
