package console

import (
	"html/template"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/voucher"
)

// Defaults and limits.
const (
	// DefaultSession is how long a sign-in is good for at most: a long shift.
	DefaultSession = 10 * time.Hour
	// DefaultTimeout is of one request.
	DefaultTimeout = 15 * time.Second

	maxForm = 64 << 10 // bytes
)

// Base is the path that the console is served below.
const Base = "/console"

const base = Base

// Options are what the console works with. Engine, Books, Hospitals, Origin and
// CookieKey are required, and Local or OIDC.
type Options struct {
	Engine Engine
	Books  Books
	// Hospitals are those of the installation, in the order in which they are
	// shown.
	Hospitals []Hospital
	// Origin is scheme and host under which browsers reach the console.
	Origin string
	// CookieKey signs short-lived cookies: at least 32 secret bytes, the same in
	// every process that serves the console.
	CookieKey []byte
	// Session is how long a sign-in is good for; DefaultSession when zero.
	Session time.Duration
	// Local lets people sign in with accounts of this installation.
	Local bool
	// OIDC lets them sign in at an issuer; nil for none.
	OIDC *OIDC
	// WorkflowURL is the address of a workflow in Temporal's UI but for its id,
	// which is put at the end; empty for no links.
	WorkflowURL string
	// Vouchers signs what the QR code of a voucher holds; nil: no pictures.
	Vouchers *voucher.Signer
	// Proxies are the addresses whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	Log     *zap.Logger      // nil: none
	Now     func() time.Time // nil: the system's clock
	Timeout time.Duration    // zero: DefaultTimeout

	// quick answers refused sign-ins at once: for tests, which have no secrets.
	quick bool
}

type server struct {
	engine    Engine
	books     Books
	hospitals []Hospital
	origin    string
	secure    bool
	cookieKey []byte
	life      time.Duration
	local     *localSignIn
	oidc      *oidcSignIn
	workflows string
	vouchers  *voucher.Signer
	proxies   []netip.Prefix
	policy    string
	log       *zap.Logger
	now       func() time.Time
	timeout   time.Duration

	assets  map[string]asset
	layouts map[Language]map[string]*template.Template
	menu    []route
}

// New makes the handler for everything below Base. It panics when a required
// option is missing or a template cannot be read, since nothing could be served
// then.
func New(o Options) http.Handler { return build(o, (*server).pages) }

// build makes the handler with the pages that are given.
func build(o Options, pages func(*server) []route) http.Handler {
	if o.Engine == nil || o.Books == nil || len(o.Hospitals) == 0 || o.Origin == "" || len(o.CookieKey) < 32 || !o.Local && o.OIDC == nil {
		panic("console: a required option is missing")
	}
	s := &server{
		engine: o.Engine, books: o.Books, hospitals: o.Hospitals, origin: o.Origin, secure: strings.HasPrefix(o.Origin, "https://"),
		cookieKey: o.CookieKey, life: o.Session, workflows: o.WorkflowURL, vouchers: o.Vouchers, proxies: o.Proxies,
		log: o.Log, now: o.Now, timeout: o.Timeout,
	}
	if s.life == 0 {
		s.life = DefaultSession
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.timeout == 0 {
		s.timeout = DefaultTimeout
	}
	issuer := ""
	if o.OIDC != nil {
		issuer = o.OIDC.Issuer
		s.oidc = newOIDC(*o.OIDC, o.Origin+Base+pathOIDCReturn, s.now)
	}
	if o.Local {
		s.local = newLocal(s.now, refusalTakes)
		if o.quick {
			s.local.takes = 0
		}
	}
	s.policy = policy(issuer)
	s.assets = readAssets()
	s.layouts = s.readTemplates()
	return s.router(pages(s))
}

// hospitalName is how people call a hospital; its id when it has no name.
func (s *server) hospitalName(l Language, id string) string {
	for _, h := range s.hospitals {
		if h.ID == id && h.Name[string(l)] != "" {
			return h.Name[string(l)]
		}
	}
	return id
}

// workflowLink is a workflow's address in Temporal's UI, empty where there is
// none.
func (s *server) workflowLink(id string) string {
	if s.workflows == "" || id == "" {
		return ""
	}
	return s.workflows + pathEscape(id)
}
