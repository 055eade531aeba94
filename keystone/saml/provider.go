package saml

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/crewjam/saml"
	xrv "github.com/mattermost/xml-roundtrip-validator"
)

// Settings are how an identity provider is known. One of File and URL is set.
type Settings struct {
	// Protocol is the id of identity's protocol that this is for; "" is any.
	Protocol string `yaml:"protocol"`
	File     string `yaml:"metadata_file"`
	URL      string `yaml:"metadata_url"` // must be HTTPS, or an address one trusts
	// Unsolicited takes responses that were not asked for, as another cloud sends them
	// (K2K). By ECP only: no browser can be made to bring one.
	Unsolicited bool `yaml:"unsolicited"`
}

// A Provider is an identity provider that this cloud believes.
type Provider struct {
	set    Settings
	client *http.Client

	mu     sync.Mutex
	known  *saml.EntityDescriptor
	asked  time.Time
	failed error
}

const (
	fresh = time.Hour
	dead  = 10 * time.Second
	most  = 4 << 20 // bytes of metadata
)

// New is a provider that is not asked yet.
func New(s Settings) *Provider {
	return &Provider{set: s, client: &http.Client{Timeout: 10 * time.Second}}
}

// metadata is what the provider publishes of itself, read once an hour. When it is
// silent the old is good, and without any nobody asks again for a moment.
func (p *Provider) metadata() (*saml.EntityDescriptor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := time.Since(p.asked)
	if p.known != nil && age < fresh || p.known == nil && p.failed != nil && age < dead {
		return p.known, p.failed
	}
	found, err := p.read()
	p.asked = time.Now()
	if err != nil && p.known == nil {
		p.failed = fmt.Errorf("the identity provider's metadata cannot be read: %w", err)
		return nil, p.failed
	}
	if err == nil {
		p.known, p.failed = found, nil
	}
	return p.known, nil
}

func (p *Provider) read() (*saml.EntityDescriptor, error) {
	b, err := p.bytes()
	if err != nil {
		return nil, err
	}
	if err := xrv.Validate(bytes.NewReader(b)); err != nil {
		return nil, err
	}
	one, several := saml.EntityDescriptor{}, saml.EntitiesDescriptor{}
	if xml.Unmarshal(b, &several) != nil {
		if err := xml.Unmarshal(b, &one); err != nil {
			return nil, err
		}
		several.EntityDescriptors = []saml.EntityDescriptor{one}
	}
	for n, e := range several.EntityDescriptors {
		if len(e.IDPSSODescriptors) > 0 {
			return &several.EntityDescriptors[n], nil
		}
	}
	return nil, errors.New("it is of no identity provider")
}

func (p *Provider) bytes() ([]byte, error) {
	if p.set.File != "" {
		return os.ReadFile(p.set.File)
	}
	r, err := http.NewRequestWithContext(context.Background(), "GET", p.set.URL, nil)
	if err != nil {
		return nil, err
	}
	got, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	if got.StatusCode != 200 {
		return nil, errors.New(got.Status)
	}
	return io.ReadAll(io.LimitReader(got.Body, most))
}
