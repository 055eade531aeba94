package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"time"

	"stackd/internal/client"
)

// signIn is a client of the cloud's own APIs with a token of l.
func signIn(ctx context.Context, o *options, l login) (*client.Client, error) {
	h, err := o.http()
	if err != nil {
		return nil, err
	}
	c, err := client.SignIn(ctx, h, client.Login{URL: o.address(5000), User: l.User, Password: l.Password, Project: l.Project})
	if err == nil {
		c.Header = map[string]string{"X-OpenStack-Nova-API-Version": "2.90"}
	}
	return c, err
}

// http takes the cloud's own certificate for good.
func (o *options) http() (*http.Client, error) {
	h := &http.Client{Timeout: 10 * time.Minute}
	if o.TLSCert == "" {
		return h, nil
	}
	pem, err := os.ReadFile(o.TLSCert)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	h.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return h, nil
}
