package keystone

import (
	"context"
	"slices"

	"stackd/internal/fault"
	"stackd/internal/token"
)

// offered are the methods of sign-in that this cloud has.
func (i *Identity) offered() []string {
	l := []string{"password", "token", "oauth1", "mapped", "application_credential"}
	if i.opts.TOTP {
		l = append(l, "totp")
	}
	if i.opts.External != "" {
		l = append(l, "external")
	}
	return l
}

// mfaRules are the sets of methods that a user must prove one of; none is no rule.
// What is no list of names, and methods that are not offered, are passed over, so
// that a mistake in a rule locks nobody out.
func (i *Identity) mfaRules(u *User) [][]string {
	if on, ok := u.Options["multi_factor_auth_enabled"].(bool); ok && !on {
		return nil
	}
	given, _ := u.Options["multi_factor_auth_rules"].([]any)
	var rules [][]string
	for _, g := range given {
		if r := i.mfaRule(g); len(r) > 0 {
			rules = append(rules, r)
		}
	}
	return rules
}

func (i *Identity) mfaRule(given any) []string {
	names, _ := given.([]any)
	var rule []string
	for _, n := range names {
		name, ok := n.(string)
		if !ok {
			return nil
		}
		if slices.Contains(i.offered(), name) {
			rule = append(rule, name)
		}
	}
	return rule
}

func covers(methods, rule []string) bool {
	return !slices.ContainsFunc(rule, func(m string) bool { return !slices.Contains(methods, m) })
}

// enough adds what a receipt ("" is none) tells was proven before, and sees that it
// is all that the user's rules want. If not, the fault carries a *Receipt.
func (i *Identity) enough(ctx context.Context, who *proven, receipt string) error {
	if receipt != "" {
		before, err := i.readReceipt(ctx, who.user, receipt)
		if err != nil {
			return err
		}
		who.methods = unique(append(who.methods, before...))
	}
	rules := i.mfaRules(who.user)
	if len(rules) == 0 || slices.ContainsFunc(rules, func(r []string) bool { return covers(who.methods, r) }) {
		return nil
	}
	return i.wantMore(ctx, who, rules)
}

// wantMore is the fault of a proof that is right as far as it goes.
func (i *Identity) wantMore(ctx context.Context, who *proven, rules [][]string) error {
	d, err := one[Project](ctx, i.store, Match{"id": who.user.DomainID})
	if err != nil {
		return err
	}
	if d == nil || !d.Enabled {
		return Unauthorized("the user's domain is gone or disabled")
	}
	r := &Receipt{User: token.Ref{ID: who.user.ID, Name: who.user.Name}, Domain: token.Ref{ID: d.ID, Name: d.Name}, Methods: unique(who.methods), Required: [][]string{}}
	for _, rule := range rules {
		if slices.ContainsFunc(rule, func(m string) bool { return slices.Contains(r.Methods, m) }) {
			r.Required = append(r.Required, rule)
		}
	}
	if err := i.writeReceipt(ctx, r); err != nil {
		return err
	}
	return fault.Of(Unauthorized("the user's rules want more methods")).With(r)
}
