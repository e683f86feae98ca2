package activities

import (
	"net/http"
	"time"

	"go.temporal.io/sdk/worker"
)

// All is every step, ready for a worker.
type All struct{ steps []any }

// New connects the steps to the books and the hospitals' clients.
func New(s Store, h Hospitals) *All {
	return &All{steps: []any{
		&Books{Store: s, Hospitals: h},
		&Channels{Store: s, Hospitals: h, Clock: time.Now},
		&Refunds{Store: s, Hospitals: h, Clock: time.Now},
		&HIS{Store: s, Hospitals: h, Clock: time.Now},
		&Proofs{Store: s, Hospitals: h},
		&Windows{Store: s, Clock: time.Now},
		&Backend{Store: s, Hospitals: h, Clock: time.Now, HTTP: &http.Client{
			// A callback that redirects would take the signed body to a host
			// that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
	}}
}

// Register makes the steps known to a worker.
func (a *All) Register(w worker.ActivityRegistry) {
	for _, s := range a.steps {
		w.RegisterActivity(s)
	}
}
