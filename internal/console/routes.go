package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// Paths of signing in and out, below base.
const (
	pathSignIn     = "/signin"
	pathOIDC       = "/signin/oidc"
	pathOIDCReturn = "/signin/oidc/return"
	pathSignOut    = "/signout"
	pathPassword   = "/password"
	pathAssets     = "/assets/"
)

// handler answers one request. An error that it returns becomes a page.
type handler func(p *page) error

// route is one address of the console, with what somebody has to be allowed to
// do before its handler is asked.
type route struct {
	method string // GET or POST. A GET changes nothing but the log of views.
	path   string // below base, with {parameters}; empty is base itself
	// action is what the person can do in at least one hospital; empty is for
	// everybody who signed in. The handler asks about the hospital of the object.
	action staff.Action
	// public needs no sign-in.
	public bool
	// nav is the word of the link in the menu; empty for none.
	nav    string
	handle handler
}

// router puts the routes behind what all of them share.
func (s *server) router(pages []route) http.Handler {
	r := chi.NewRouter()
	r.Use(inbound.WithRequestID, s.observed, s.guarded, s.recovered, s.timed)
	r.NotFound(s.serve(route{public: true, handle: func(p *page) error { return p.notFound() }}))
	r.MethodNotAllowed(s.serve(route{public: true, handle: func(p *page) error {
		return p.problem(http.StatusMethodNotAllowed, "problem_method")
	}}))
	r.Get(base+pathAssets+"{name}", s.asset)
	for _, rt := range append(s.signInRoutes(), pages...) {
		if rt.nav != "" {
			s.menu = append(s.menu, rt)
		}
		r.Method(rt.method, base+rt.path, s.serve(rt))
	}
	if !r.Match(chi.NewRouteContext(), http.MethodGet, base) {
		r.Get(base, s.serve(route{handle: s.start}))
	}
	r.Get(base+"/", s.serve(route{handle: s.start}))
	return r
}

func (s *server) signInRoutes() []route {
	all := []route{
		{method: http.MethodGet, path: pathSignIn, public: true, handle: s.signInPage},
		{method: http.MethodPost, path: pathSignOut, public: true, handle: s.signOut},
	}
	if s.local != nil {
		all = append(all,
			route{method: http.MethodPost, path: pathSignIn, public: true, handle: s.signInLocal},
			route{method: http.MethodGet, path: pathPassword, handle: s.passwordPage},
			route{method: http.MethodPost, path: pathPassword, handle: s.changePassword})
	}
	if s.oidc != nil {
		all = append(all,
			route{method: http.MethodGet, path: pathOIDC, public: true, handle: s.beginOIDC},
			route{method: http.MethodGet, path: pathOIDCReturn, public: true, handle: s.returnOIDC})
	}
	return all
}

// start goes to the first page of the menu that the person may see.
func (s *server) start(p *page) error {
	for _, rt := range s.menu {
		if p.somewhere(rt.action) {
			return p.redirect(rt.path)
		}
	}
	return p.forbidden()
}

// serve makes an http handler of a route.
func (s *server) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// Whatever is changed from here on is logged with where it came from.
		r = r.WithContext(store.WithAddress(r.Context(), s.from(r)))
		p := &page{server: s, w: w, r: r, lang: languageOf(r), now: s.now()}
		if err := s.admit(p, rt); err != nil {
			p.fail(err)
			return
		}
		if err := rt.handle(p); err != nil {
			p.fail(err)
		}
	}
}

// admit finds out who asks, and refuses whoever may not.
func (s *server) admit(p *page, rt route) error {
	if err := s.identify(p); err != nil {
		return err
	}
	if !rt.public && !p.signedIn() {
		return errSignIn
	}
	if !rt.public && p.session.MustChange && rt.path != pathPassword {
		return errPassword
	}
	if p.r.Method == http.MethodPost {
		if err := s.checkOrigin(p.r); err != nil {
			return err
		}
		if err := p.readForm(); err != nil {
			return err
		}
		// A public form changes nothing of anybody's; sign-out asks by itself.
		if !rt.public && !s.checkToken(p) {
			return errStaleForm
		}
	}
	if !rt.public && !p.somewhere(rt.action) {
		return errForbidden
	}
	return nil
}

// timed bounds how long a handler may take.
func (s *server) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func pathEscape(s string) string { return url.PathEscape(s) }
