package keystone

import (
	"stackd/internal/fault"
)

func missing(kind, id string) error {
	return fault.New(fault.NotFound, "Could not find %s: %s.", kind, id)
}

func conflict(kind, format string, args ...any) error {
	f := fault.New(fault.Conflict, format, args...)
	f.Text = "Conflict occurred attempting to store " + kind + " - " + f.Text + "."
	return f
}

// Denied is the 403 of a rule.
func Denied(rule string) *fault.Error {
	return fault.New(fault.Forbidden, "You are not authorized to perform the requested action: %s.", rule)
}

func forbidden(format string, args ...any) error { return fault.New(fault.Forbidden, format, args...) }

func locked(kind, id string) error {
	return forbidden("Cannot modify immutable %s resource `%s`. Set resource option \"immutable\" to false first.", kind, id)
}

// Unauthorized tells a caller nothing but that it is not let in; why is for the log.
func Unauthorized(why string) error {
	return fault.New(fault.Unauthorized, "The request you have made requires authentication.").Because(reason(why))
}

type reason string

func (r reason) Error() string { return string(r) }
