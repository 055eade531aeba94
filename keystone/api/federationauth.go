package api

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"stackd/internal/fault"
	"stackd/internal/rest"
	"stackd/keystone"
)

const websso = "/v3/auth/OS-FEDERATION"

// Who comes here brings an identity provider's word instead of a token.
func (a *API) federationAuthRows() []rest.Route {
	const one = "/identity_providers/{idp}/protocols/{id}"
	row := func(on string, do func(*rest.Call) (any, error)) rest.Route {
		return rest.Route{On: on, Open: true, Stream: true, Do: do}
	}
	auth := func(on string) rest.Route {
		return rest.Route{On: on, Open: true, Stream: true, Status: 201, Do: rest.Do(a.federatedAuth)}
	}
	return []rest.Route{
		auth("GET " + providers + "/{idp}/protocols/{id}/auth"), auth("POST " + providers + "/{idp}/protocols/{id}/auth"),
		row("GET "+websso+"/websso/{id}", rest.Do(a.chooseProvider)), row("POST "+websso+"/websso/{id}", rest.Do(a.chooseProvider)),
		row("GET "+websso+one+"/websso", rest.Do(a.startWebSSO)), row("POST "+websso+one+"/websso", rest.Do(a.startWebSSO)),
		row("GET "+websso+one+"/callback", rest.Do(a.finishWebSSO)),
		row("POST "+websso+one+"/acs", rest.Do(a.finishBySAML)),
		row("GET "+websso+one+"/metadata", rest.Do(a.serviceMetadata)),
	}
}

func (a *API) federatedAuth(c *rest.Call, in protocolIn) (any, error) {
	if c.Method == "POST" && isPAOS(c.Header.Get("Content-Type")) {
		return a.byProgram(c, in)
	}
	if isPAOS(c.Header.Get("Accept")) && c.Header.Get("Authorization") == "" {
		return a.askProgram(c, in)
	}
	scheme, bearer, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		bearer = ""
	}
	s, t, err := a.id.SignInByBearer(c.Context(), in.IdP, in.ID, strings.TrimSpace(bearer))
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("X-Subject-Token", t)
	return a.token(c, s)
}

// chooseProvider: a browser that names no identity provider goes to the only one there
// is, or chooses.
func (a *API) chooseProvider(c *rest.Call, in idIn) (any, error) {
	origin := c.URL.Query().Get("origin")
	if err := a.id.TrustsOrigin(origin); err != nil {
		return nil, err
	}
	ids, err := a.id.ProvidersOf(c.Context(), in.ID)
	if err != nil {
		return nil, err
	}
	links := map[string]string{}
	for _, id := range ids {
		links[id] = c.Base() + websso + "/identity_providers/" + url.PathEscape(id) + "/protocols/" + url.PathEscape(in.ID) + "/websso?origin=" + url.QueryEscape(origin)
	}
	switch len(ids) {
	case 0:
		return nil, fault.New(fault.Unauthorized, "Missing entity ID from environment")
	case 1:
		return a.startWebSSO(c, protocolIn{IdP: ids[0], ID: in.ID})
	}
	return writePage(c, choice, "", links)
}

func (a *API) startWebSSO(c *rest.Call, in protocolIn) (any, error) {
	d, err := a.id.StartWebSSO(c.Context(), in.IdP, in.ID, c.URL.Query().Get("origin"))
	if err != nil {
		return nil, err
	}
	http.SetCookie(c.W, a.cookie(d.Name, d.Cookie, int(d.Life.Seconds()), d.Foreign))
	c.W.Header().Set("Cache-Control", "no-store")
	http.Redirect(c.W, c.Request, d.URL, http.StatusFound)
	return rest.Written{Status: http.StatusFound}, nil
}

// cookie is the browser's half of a sign-in: for this cloud's own pages alone, or by
// HTTPS also when another site posts to them. Life 0 or less takes it away.
func (a *API) cookie(name, value string, life int, foreign bool) *http.Cookie {
	k := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.id.OnlyHTTPS(), MaxAge: life}
	if foreign && k.Secure {
		k.SameSite = http.SameSiteNoneMode
	}
	return k
}

func (a *API) finishWebSSO(c *rest.Call, in protocolIn) (any, error) {
	back := c.URL.Query()
	name := keystone.CookieOf(back.Get("state"))
	k, err := c.Cookie(name)
	if err != nil {
		return nil, keystone.Unauthorized("the browser brings no cookie of this sign-in")
	}
	http.SetCookie(c.W, a.cookie(name, "", -1, false))
	origin, token, err := a.id.FinishWebSSO(c.Context(), in.IdP, in.ID, k.Value, back)
	if err != nil {
		return nil, err
	}
	return handOver(c, origin, token)
}

var handing = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html><head><title>Signing in</title><meta charset="utf-8"></head>
<body>
<form id="sso" name="sso" action="{{.Data.Origin}}" method="post">
Please wait...<br>
<input type="hidden" name="token" id="token" value="{{.Data.Token}}">
<noscript><input type="submit" name="submit" value="Go on"></noscript>
</form>
<script nonce="{{.Nonce}}">document.getElementById("sso").submit();</script>
</body></html>
`))

var choice = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html><head><title>Sign in</title><meta charset="utf-8"></head>
<body><p>Who knows you?</p><ul>
{{range $id, $link := .Data}}<li><a href="{{$link}}">{{$id}}</a></li>
{{end}}</ul></body></html>
`))

// handOver lets the browser post the token to the dashboard.
func handOver(c *rest.Call, origin, token string) (any, error) {
	return writePage(c, handing, origin, map[string]string{"Origin": origin, "Token": token})
}

// writePage writes a page that may run its own script, and post to one address.
func writePage(c *rest.Call, t *template.Template, to string, data any) (any, error) {
	nonce := rand.Text()
	h := c.W.Header()
	target := "'none'"
	if u, err := url.Parse(to); err == nil && u.Host != "" {
		target = u.Scheme + "://" + u.Host
	}
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; script-src 'nonce-"+nonce+"'; form-action "+target)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	c.W.WriteHeader(http.StatusOK)
	err := t.Execute(c.W, struct {
		Nonce string
		Data  any
	}{nonce, data})
	return rest.Written{Status: http.StatusOK}, err
}
