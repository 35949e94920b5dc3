// Package ext is what an extension of Traefik may add to its configuration. Upstream keeps it in a module that no
// proxy serves, named apart from its folder; here, as there, it adds nothing.
package ext

// HTTP extends the HTTP configuration.
type HTTP struct{}

// Router extends a router.
type Router struct{}

// RouterIng extends a router that an Ingress's annotations configure.
type RouterIng struct{}

// ToRouter returns the same extension for the router itself.
func (RouterIng) ToRouter() Router { return Router{} }
