package wechat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// Name is the counterparty's name in the manifest and the admin interface.
const Name = "wechat"

// Mode says how a merchant verifies what the platform signs.
type Mode string

// The verification modes. A platform chooses one for each merchant.
const (
	PublicKey   Mode = "public_key"
	Certificate Mode = "certificate"
)

// Server is WeChat Pay. It is safe for concurrent use.
type Server struct {
	env    *sandbox.Env
	book   *sandbox.Book
	faults *sandbox.Faults
	mode   Mode // "" gives every second hospital certificates

	refundDelay    time.Duration
	refundInterval time.Duration

	mu         sync.Mutex
	merchants  map[string]*merchant // by mchid
	byHospital map[string]*merchant
	trades     map[string]*trade // by book key
	byTxn      map[string]*trade // by mchid + "/" + transaction id
	byToken    map[string]*trade // by prepay_id and code_url
	refunds    map[string]*refund
	outcomes   map[string]string // refund status to come, by out_refund_no
	nonces     nonceMemory
	numbers    int // of the platform's, so far
}

// Option changes how a [Server] behaves.
type Option func(*Server)

// WithMode gives every hospital the same verification mode.
func WithMode(m Mode) Option { return func(s *Server) { s.mode = m } }

// WithRefundDelay sets how long a refund is PROCESSING; 300 ms otherwise.
func WithRefundDelay(d time.Duration) Option { return func(s *Server) { s.refundDelay = d } }

// WithRefundInterval refuses partial refunds of one order that follow each
// other faster than d. The real platform asks for a minute; 0, the default,
// allows any pace so that a test need not wait.
func WithRefundInterval(d time.Duration) Option { return func(s *Server) { s.refundInterval = d } }

// New makes the counterparty and gives the patients of channel "wechat" to it;
// they abandon their orders until told otherwise.
func New(env *sandbox.Env, options ...Option) (*Server, error) {
	s := &Server{
		env: env, book: sandbox.NewBook(), faults: env.NewFaults(Name), refundDelay: 300 * time.Millisecond,
		merchants: map[string]*merchant{}, byHospital: map[string]*merchant{}, trades: map[string]*trade{},
		byTxn: map[string]*trade{}, byToken: map[string]*trade{}, refunds: map[string]*refund{},
		outcomes: map[string]string{}, nonces: newNonceMemory(), numbers: rand.IntN(mostNumbers),
	}
	for _, o := range options {
		o(s)
	}
	switch s.mode {
	case "", PublicKey, Certificate:
	default:
		return nil, fmt.Errorf("wechat: verification mode %q is neither public_key nor certificate", s.mode)
	}
	env.Patients.Join(Name, s, sandbox.Default{Behaviour: sandbox.Abandon})
	return s, nil
}

// Name is "wechat".
func (s *Server) Name() string { return Name }

// Books is the book of orders and refunds.
func (s *Server) Books() any { return s.book.Snapshot() }

// Faults is what goes wrong on purpose.
func (s *Server) Faults() *sandbox.Faults { return s.faults }

// Onboard opens a merchant account for a hospital. The fragment names its
// mchid, appid, certificate serial, and the files of its keys.
func (s *Server) Onboard(_ context.Context, h sandbox.Hospital) (any, error) {
	mode := s.mode
	if mode == "" {
		mode = PublicKey
		if h.Index%2 == 1 {
			mode = Certificate
		}
	}
	m, err := openAccount(s.env.Files, h.ID, mode, s.env.Clock.Now())
	if err != nil {
		return nil, fmt.Errorf("wechat account of %s: %w", h.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, taken := s.merchants[m.MchID]; taken && other.hospital != h.ID {
		return nil, fmt.Errorf("wechat account of %s: mchid %s belongs to %s", h.ID, m.MchID, other.hospital)
	}
	s.merchants[m.MchID] = m
	s.byHospital[h.ID] = m
	return m.fragment(), nil
}

// Handler serves the API behind the faults.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern string, e endpoint) { mux.Handle(pattern, s.authenticated(e)) }
	route("POST /v3/pay/transactions/jsapi", s.prepay(jsapi))
	route("POST /v3/pay/transactions/native", s.prepay(native))
	route("GET /v3/pay/transactions/out-trade-no/{out_trade_no}", s.queryByOutTradeNo)
	route("GET /v3/pay/transactions/id/{transaction_id}", s.queryByTransactionID)
	route("POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close", s.closeOrder)
	route("POST /v3/refund/domestic/refunds", s.createRefund)
	route("GET /v3/refund/domestic/refunds/{out_refund_no}", s.queryRefund)
	route("GET /v3/certificates", s.certificates)
	route("/", func(_ *merchant, r *http.Request, _ []byte) (reply, error) {
		return reply{}, refuse(codeNotFound, "请求的资源不存在")
	})
	return s.faults.Middleware(sandbox.FaultPoint{Operation: operation, Error: s.injectError}, withRequestID(mux))
}

// AdminRoutes adds the JSAPI front end and the choice of a refund's outcome.
func (s *Server) AdminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /patients/jsapi", s.presentJSAPI)
	mux.HandleFunc("PUT /wechat/refunds/{out_refund_no}", s.decideRefund)
}
