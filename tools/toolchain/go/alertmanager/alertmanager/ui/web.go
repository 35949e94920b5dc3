// The pages of Alertmanager. Upstream's are built by npm and are not in its module; this one page stands for them: the
// alerts as the API tells them, who is told, and what is silenced. Everything else is done with the API.

package ui

import (
	_ "embed"
	"net/http"

	"github.com/prometheus/common/route"
)

//go:embed index.html
var page []byte

// Register registers the page, where upstream has its own.
func Register(r *route.Router) {
	for _, path := range []string{"/", "/ui/"} {
		r.Get(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
			_, _ = w.Write(page)
		})
	}
}
