package cloudtest

import (
	"context"
	"net/http"
	"os"
	"time"

	"stackd/internal/client"
)

// What tests and programs say alike.
type (
	Client      = client.Client
	StatusError = client.StatusError
	Thing       = client.Thing
)

// Env reads an OS_* variable, from env first and then from the process.
func Env(env map[string]string, name string) string {
	if v, ok := env[name]; ok {
		return v
	}
	return os.Getenv(name)
}

// SignIn is a client with the credentials of env (OS_AUTH_URL, OS_USERNAME …); nil
// is the process's own environment.
func SignIn(ctx context.Context, env map[string]string) (*Client, error) {
	get := func(name string) string { return Env(env, name) }
	domain := func(of string) map[string]string {
		if v := get("OS_" + of + "_DOMAIN_ID"); v != "" {
			return map[string]string{"id": v}
		}
		if v := get("OS_" + of + "_DOMAIN_NAME"); v != "" {
			return map[string]string{"name": v}
		}
		return nil
	}
	h := &http.Client{Timeout: 10 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return client.SignIn(ctx, h, client.Login{URL: get("OS_AUTH_URL"), User: get("OS_USERNAME"), Password: get("OS_PASSWORD"), Project: get("OS_PROJECT_NAME"),
		UserDomain: domain("USER"), ProjectDomain: domain("PROJECT")})
}
