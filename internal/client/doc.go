// Package client speaks to an OpenStack's public APIs as one user does, with no more
// than a program of ours needs: sign-in by password, the catalog, and JSON.
//
//	c, err := client.SignIn(ctx, http.DefaultClient, client.Login{URL: "http://127.0.0.1:5000/v3", User: "demo", …})
//	err = c.Do(ctx, "GET", "compute", "/servers", nil, &out)
package client
