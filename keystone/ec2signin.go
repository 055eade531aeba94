package keystone

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// byKey is the method of tokens made by signature. They are for other services:
// identity's own API does not take them, nor are they exchanged for others.
const byKey = "ec2credential"

// ByKey tells whether a token was made by an EC2 or S3 signature.
func ByKey(w *token.Who) bool { return slices.Contains(w.Methods, byKey) }

// SignInByEC2 makes a token for who signed a request in the manner of EC2.
func (i *Identity) SignInByEC2(ctx context.Context, s Signed) (*Session, string, error) {
	return i.signInByKey(ctx, s.Access, s.ec2Signed)
}

// SignInByS3 makes a token for who signed a request in the manner of S3.
func (i *Identity) SignInByS3(ctx context.Context, s Signed) (*Session, string, error) {
	return i.signInByKey(ctx, s.Access, s.s3Signed)
}

func (i *Identity) signInByKey(ctx context.Context, access string, check func(secret string, now time.Time) error) (*Session, string, error) {
	gen := i.gen.Load()
	k, err := i.keyOf(ctx, access)
	if err != nil {
		return nil, "", err
	}
	secret := NewID() // an unknown key takes as long as a wrong signature
	if k != nil {
		secret = k.Secret
	}
	if err := check(secret, i.db.Now()); err != nil {
		return nil, "", err
	}
	if k == nil {
		return nil, "", Unauthorized("there is no such access key")
	}
	who, c, w, err := i.claimKey(ctx, k)
	if err != nil {
		return nil, "", err
	}
	return i.issue(ctx, gen, who, c, w)
}

// keyOf is the key pair by its access key, nil when there is none that counts.
func (i *Identity) keyOf(ctx context.Context, access string) (*EC2Key, error) {
	if access == "" {
		return nil, nil
	}
	c, err := i.Credential(ctx, hash(access))
	if fault.Is(err, fault.NotFound) || err == nil && c.Type != "ec2" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k, err := ec2Key(c)
	if err != nil || k.Access != access || k.Secret == "" || k.ProjectID == "" {
		return nil, nil // its blob was since overwritten by something else
	}
	return k, nil
}

// claimKey: a key made by delegation gives what was delegated, and no more.
func (i *Identity) claimKey(ctx context.Context, k *EC2Key) (*proven, *claims, ScopeWish, error) {
	w := ScopeWish{Project: &Named{ID: k.ProjectID}}
	who := &proven{user: &User{ID: k.UserID}, methods: []string{byKey}}
	if len(slices.DeleteFunc([]string{k.AccessTokenID, k.TrustID, k.AppCredID}, func(s string) bool { return s == "" })) > 1 {
		return nil, nil, w, Unauthorized("the key is bound to more than one thing")
	}
	if k.AccessTokenID != "" {
		a, err := one[AccessToken](ctx, i.store, Match{"id": k.AccessTokenID, "user_id": k.UserID, "project_id": k.ProjectID})
		if err != nil || a == nil || i.db.Now().After(a.ExpiresAt) {
			return nil, nil, w, firstOf(err, Unauthorized("the key's access token is gone, expired or another's"))
		}
		who.access = a
	}
	if k.AppCredID != "" {
		a, err := one[AppCredential](ctx, i.store, Match{"id": k.AppCredID, "user_id": k.UserID, "project_id": k.ProjectID})
		if err != nil || a == nil {
			return nil, nil, w, firstOf(err, Unauthorized("the key's application credential is gone or another's"))
		}
		who.appCred = a
	}
	if k.TrustID != "" {
		trustee, err := i.trusteeOf(ctx, k)
		if err != nil {
			return nil, nil, w, err
		}
		who.user, w = &User{ID: trustee}, ScopeWish{TrustID: k.TrustID}
	}
	c, err := i.claim(ctx, who, w)
	return who, c, w, err
}

// trusteeOf is who may use the key's trust. The key is of whom the trust's tokens
// name, and of its project.
func (i *Identity) trusteeOf(ctx context.Context, k *EC2Key) (string, error) {
	t, err := i.Trust(ctx, k.TrustID)
	if fault.Is(err, fault.NotFound) {
		return "", Unauthorized("the key's trust is gone or used up")
	}
	if err != nil {
		return "", err
	}
	named := t.TrusteeID
	if t.Impersonation {
		named = t.TrustorID
	}
	if k.UserID != named || k.ProjectID != t.ProjectID {
		return "", Unauthorized("the key's trust is another's")
	}
	return t.TrusteeID, nil
}

// bounds are what a credential's blob is bound to; zero for what is no key.
type bounds struct {
	TrustID       string `json:"trust_id,omitempty"`
	AppCredID     string `json:"app_cred_id,omitempty"`
	AccessTokenID string `json:"access_token_id,omitempty"`
}

func boundsOf(blob string) (b bounds) {
	if json.Unmarshal([]byte(blob), &b) != nil {
		return bounds{}
	}
	return b
}

// unbound: whoever changes a credential cannot free it from what it is bound to.
func unbound(old, now bounds) error {
	for name, differs := range map[string]bool{"trust_id": old.TrustID != now.TrustID, "app_cred_id": old.AppCredID != now.AppCredID,
		"access_token_id": old.AccessTokenID != now.AccessTokenID} {
		if differs {
			return fault.New(fault.Invalid, "%s can not be updated for credential", name)
		}
	}
	return nil
}

// Bind binds an EC2 credential to the delegation that its maker's token speaks by.
func (c *Credential) Bind(who *token.Who) error {
	if c.Type != "ec2" || !who.Delegated() {
		return nil
	}
	blob := map[string]any{}
	if err := json.Unmarshal([]byte(c.Blob), &blob); err != nil {
		return fault.New(fault.Invalid, "Invalid blob in credential").Because(err)
	}
	for name, id := range map[string]string{"trust_id": who.TrustID, "app_cred_id": who.AppCredID, "access_token_id": who.AccessTokenID} {
		maps.DeleteFunc(blob, func(k string, _ any) bool { return strings.EqualFold(k, name) }) // readers fold case
		if id != "" {
			blob[name] = id
		}
	}
	b, err := json.Marshal(blob)
	c.Blob = string(b)
	return err
}
