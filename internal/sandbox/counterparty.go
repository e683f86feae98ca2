package sandbox

import (
	"context"
	"net/http"
)

// Counterparty is one party that a hospital's payments depend on. A main
// program makes it with its package's New, onboards the hospitals, and serves
// its handler on an address of its own; see [Run].
type Counterparty interface {
	// Name is its key in the manifest, in /books and in /faults: wechat,
	// unionpay, insurance, his, identity.
	Name() string
	// Onboard prepares everything for a hospital and returns its part of the
	// onboarding manifest, marshalled as JSON. It is called once for every
	// hospital before any request is served. Keys come from [Env.Files], so
	// that a restart finds them again.
	Onboard(ctx context.Context, hospital Hospital) (any, error)
	// Handler serves the protocol, already behind the counterparty's faults.
	Handler() http.Handler
	// Books is what an outsider may read of its books, marshalled as JSON under
	// /books; a [Book]'s Snapshot for those that move money.
	Books() any
	// Faults is what goes wrong on purpose.
	Faults() *Faults
}

// AdminRouter is implemented by a counterparty that adds routes to the admin
// interface, with [http.ServeMux] patterns such as "PUT /his/slots/{slot}".
type AdminRouter interface {
	AdminRoutes(mux *http.ServeMux)
}

// PathPrefixer is implemented by a counterparty whose endpoint in the manifest
// is a path below its address ("/fhir"). Hospital.BaseURL includes it.
type PathPrefixer interface {
	PathPrefix() string
}

// Hospital is who is being onboarded.
type Hospital struct {
	// ID is the hospital's id in regpay and its folder under the sandbox's
	// directory: files go to "<ID>/<counterparty>/<file>".
	ID string
	// Index counts hospitals from 0 in the order in which they were given.
	Index int
	// BaseURL is where the counterparty being asked is listening, with its path
	// prefix and without a trailing slash.
	BaseURL string
}
