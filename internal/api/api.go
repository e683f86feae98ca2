package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/voucher"
)

// Limits of what is read and of how long a request may take.
const (
	MaxBody        = 64 << 10 // bytes
	DefaultTimeout = 15 * time.Second
	bodyTimeout    = 5 * time.Second
)

// Options are what the API works with. Engine, Books, Hospitals, Verifier,
// Index, Vouchers and Registry are required.
type Options struct {
	Engine    Engine
	Books     Books
	Hospitals Hospitals
	Verifier  Verifier
	// Index is the blind index of a request's digest, as the books keep it in
	// View.RequestIndex.
	Index    func(digest string) string
	Vouchers *voucher.Signer
	Registry *prometheus.Registry // served at /metrics, too
	Log      *zap.Logger          // nil: none
	Now      func() time.Time     // nil: the system's clock
	Timeout  time.Duration        // zero: DefaultTimeout
	Version  string               // of the product, for the OpenAPI description
}

type server struct {
	engine    Engine
	books     Books
	hospitals Hospitals
	verifier  Verifier
	index     func(string) string
	vouchers  *voucher.Signer
	log       *zap.Logger
	now       func() time.Time
	timeout   time.Duration
	metrics   *metrics
	keys      *keyring
	polls     *turnstile
	refused   *throttle
}

// New makes the HTTP API. It panics when a required option is missing, since
// nothing could be served then.
func New(o Options) http.Handler {
	if o.Engine == nil || o.Books == nil || o.Hospitals == nil || o.Verifier == nil ||
		o.Index == nil || o.Vouchers == nil || o.Registry == nil {
		panic("api: a required option is missing")
	}
	s := &server{engine: o.Engine, books: o.Books, hospitals: o.Hospitals, verifier: o.Verifier,
		index: o.Index, vouchers: o.Vouchers, log: o.Log, now: o.Now, timeout: o.Timeout}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.timeout == 0 {
		s.timeout = DefaultTimeout
	}
	s.metrics = newMetrics(o.Registry)
	s.keys = newKeyring(s.books, s.now)
	s.polls = newTurnstile(pollEvery, s.now)
	s.refused = newThrottle(s.now)
	return s.router(o)
}

func (s *server) router(o Options) http.Handler {
	r := chi.NewRouter()
	r.Use(inbound.WithRequestID, s.observed, s.recovered, secured, s.timed)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { s.write(w, r, newProblem(CodeNoRoute)) })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { s.write(w, r, newProblem(CodeNoMethod)) })

	r.Get("/healthz", s.healthy)
	r.Get("/readyz", s.ready)
	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{}))
	r.Post("/v1/webhooks/{channel}/{hospital}", s.webhook)

	api := humachi.New(r, s.config(o.Version))
	s.register(api)
	describeWebhook(api.OpenAPI())
	s.describeErrors(api.OpenAPI())
	r.Get("/openapi.json", description(api.OpenAPI()))
	r.Get("/docs", docs(api.OpenAPI()))
	return r
}

// config is huma's, without its documentation pages (they load scripts from
// other hosts) and with problems in place of its errors.
func (s *server) config(version string) huma.Config {
	if version == "" {
		version = "dev"
	}
	c := huma.DefaultConfig("regpay", version)
	c.DocsPath, c.OpenAPIPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // no $schema member in answers
	c.RejectUnknownQueryParameters = true
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": format, "json": format} // "json" is what …+json falls to
	c.Transformers = []huma.Transformer{s.inWords}
	c.Info.Description = "Payments for hospital registrations. Amounts are whole fen, times RFC 3339. " +
		"Errors are RFC 9457 problem details with a stable `code`, in the language of Accept-Language (zh-CN, en)."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"apiKey": {Type: "http", Scheme: "bearer", BearerFormat: "rp_…",
			Description: "An API key, made with `starter key create` and scoped to hospitals."},
	}
	return c
}

// unmarshal reads a body. A NUL, which JSON can spell and PostgreSQL cannot
// keep, is refused before anything is begun with it.
func unmarshal(data []byte, v any) error {
	if bytes.Contains(data, []byte(`\u0000`)) {
		return errors.New("a body has no NUL")
	}
	return json.Unmarshal(data, v)
}

// inWords turns every error into a problem in the caller's language.
func (s *server) inWords(ctx huma.Context, _ string, v any) (any, error) {
	var p *problem
	switch e := v.(type) {
	case *problem:
		p = e
	case *huma.ErrorModel:
		p = ofHuma(e)
		for name, values := range p.GetHeaders() {
			ctx.SetHeader(name, values[0])
		}
	default:
		return v, nil
	}
	l := inbound.LanguageOf(ctx.Header("Accept-Language"))
	ctx.SetHeader("Content-Language", string(l))
	ctx.AppendHeader("Vary", "Accept-Language")
	return p.in(l, inbound.RequestID(ctx.Context())), nil
}

// description serves the OpenAPI document, made once.
func description(spec *huma.OpenAPI) http.HandlerFunc {
	body, err := json.Marshal(spec)
	if err != nil {
		panic("api: the description cannot be written: " + err.Error())
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(body) // the reader may be gone: nothing to do about it
	}
}
