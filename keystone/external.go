package keystone

import (
	"context"
	"fmt"
)

// The ways of Options.External.
const (
	ExternalDefault = "default" // the certificate's CN is a user's name in the default domain
	ExternalDomain  = "domain"  // … in the domain named by its O
)

func checkExternal(way string) error {
	if way != "" && way != ExternalDefault && way != ExternalDomain {
		return fmt.Errorf("external is %q, which is none of %s, %s", way, ExternalDefault, ExternalDomain)
	}
	return nil
}

// proveExternal is who the client's certificate names. The certificate is one that
// the server has checked; no header says anything about it.
func (i *Identity) proveExternal(ctx context.Context, p Proof) (*proven, error) {
	if i.opts.External == "" || p.Certificate == nil {
		return nil, Unauthorized("there is no certificate that external takes")
	}
	who := Named{Name: p.Certificate.Subject.CommonName, DomainID: DefaultDomain}
	if i.opts.External == ExternalDomain {
		if len(p.Certificate.Subject.Organization) != 1 {
			return nil, Unauthorized("the certificate does not have one O")
		}
		who.DomainID, who.DomainName = "", p.Certificate.Subject.Organization[0]
	}
	if who.Name == "" {
		return nil, Unauthorized("the certificate has no CN")
	}
	u, err := i.findUser(ctx, who)
	if err != nil || u == nil || !u.Enabled {
		return nil, firstOf(err, Unauthorized("the certificate's user is not there or disabled"))
	}
	return &proven{user: u, methods: []string{"external"}}, nil
}
