// Package e2e is whole clouds with real guests, driven by the unmodified
// `openstack` client. Its tests are behind the build tag e2e: they need root and
// the Debian packages of hack/packages. See `make e2e`.
package e2e
