package insurance

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// Name of this counterparty in the manifest, the books and the faults.
const Name = "insurance"

// Routes of the hospital's side of the interface.
const (
	pathUpload = "/org/local/api/hos/uldFeeInfo"
	pathPay    = "/org/local/api/hos/pay_order"
	pathRefund = "/org/local/api/hos/refund_Order"
	pathQuery  = "/org/local/api/hos/query_order_info"
	pathRevoke = "/org/local/api/hos/revoke_order"
)

// Server is the platform. It is safe for concurrent use.
type Server struct {
	env    *sandbox.Env
	book   *sandbox.Book
	faults *sandbox.Faults

	mu           sync.Mutex
	applications map[string]*application   // by appId
	orders       map[string]*order         // by hospital and medOrgOrd
	byPayOrdID   map[string]*order         //
	refunds      map[string]*refund        // by hospital and appRefdSn
	byAuthNo     map[string]*authorisation // payAuthNo
	byToken      map[string]*authorisation // ecToken
	unknowns     int                       // how often clearing ended unclear
	forged       int
}

// New makes the platform; hospitals are added by Onboard.
func New(env *sandbox.Env) *Server {
	s := &Server{
		env:          env,
		book:         sandbox.NewBook(),
		faults:       env.NewFaults(Name),
		applications: map[string]*application{},
		orders:       map[string]*order{},
		byPayOrdID:   map[string]*order{},
		refunds:      map[string]*refund{},
		byAuthNo:     map[string]*authorisation{},
		byToken:      map[string]*authorisation{},
	}
	env.Patients.Join(Name, s, sandbox.Default{Behaviour: sandbox.Pay})
	return s
}

// Name implements [sandbox.Counterparty].
func (s *Server) Name() string { return Name }

// Faults implements [sandbox.Counterparty].
func (s *Server) Faults() *sandbox.Faults { return s.faults }

// Books implements [sandbox.Counterparty].
func (s *Server) Books() any { return s.book.Snapshot() }

// AdminRoutes implements [sandbox.AdminRouter].
func (s *Server) AdminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /insurance/auth", s.serveIssue)
	mux.HandleFunc("PUT /insurance/orders/{medOrgOrd}", s.serveDecide)
}

// transaction carries out one kind of request on the decrypted data.
type transaction func(app *application, data map[string]any, now time.Time) (map[string]any, *refusal)

// Handler implements [sandbox.Counterparty].
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, do := range map[string]transaction{
		pathUpload: s.upload, pathPay: s.payOrder, pathRefund: s.refund, pathQuery: s.query, pathRevoke: s.revoke,
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, do) })
	}
	return s.faults.Middleware(sandbox.FaultPoint{Operation: operation, Error: s.serveFault}, mux)
}

// operation names a request for the faults.
func operation(r *http.Request) string {
	return map[string]string{pathUpload: "upload", pathPay: "pay_order", pathRefund: "refund", pathQuery: "query",
		pathRevoke: "revoke"}[r.URL.Path]
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, do transaction) {
	app, data, refused := s.receive(r)
	var out map[string]any
	if refused == nil {
		out, refused = do(app, data, s.env.Clock.Now())
	}
	s.reply(w, app, out, refused)
}

// receive reads, attributes, decrypts and verifies a request. The application
// is returned with a refusal too as soon as it is known, to sign the answer.
func (s *Server) receive(r *http.Request) (*application, map[string]any, *refusal) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEnvelope+1))
	if err != nil {
		return nil, nil, refuse(codeFormat, "报文读取失败")
	}
	fields, err := parseEnvelope(body)
	if err != nil {
		return nil, nil, refuse(codeFormat, "报文格式错误")
	}
	s.mu.Lock()
	app := s.applications[text(fields, "appId")]
	s.mu.Unlock()
	if app == nil {
		return nil, nil, refuse(codeApplication, "应用未登记")
	}
	at, ok := parseTime(text(fields, "timestamp"))
	if !ok {
		return app, nil, refuse(codeFormat, "timestamp 格式错误")
	}
	if off := s.env.Clock.Now().Sub(at); off > freshness || off < -freshness {
		return app, nil, refuse(codeStale, "timestamp 超出允许范围")
	}
	data, err := app.open(fields)
	switch {
	case errors.Is(err, errSignature):
		return app, nil, refuse(codeSignature, "验签失败")
	case err != nil:
		return app, nil, refuse(codeFormat, "报文解密失败")
	}
	return app, data, nil
}

// reply seals an answer. Without an application it is plain JSON.
func (s *Server) reply(w http.ResponseWriter, app *application, data map[string]any, refused *refusal) {
	extra := replyFields(refused)
	var body []byte
	var err error
	if app == nil {
		body, err = json.Marshal(extra)
	} else {
		body, err = app.seal(data, extra, s.env.Clock.Now())
	}
	if err != nil {
		s.env.Log.Error("sealing a reply", "err", err)
		http.Error(w, "the reply could not be sealed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(body) //nolint:errcheck // the caller may have gone
}

// serveFault answers an injected error. FAIL and EXP are results of a refund,
// anything else a failure of the platform; nothing is executed.
func (s *Server) serveFault(w http.ResponseWriter, r *http.Request, operation, code string) {
	app, data, refused := s.receive(r)
	switch {
	case refused != nil:
		s.reply(w, app, nil, refused)
	case operation == "refund" && (code == refundFailed || code == refundUnclear):
		s.reply(w, app, map[string]any{"payOrdId": text(data, "payOrdId"), "appRefdSn": text(data, "appRefdSn"),
			"refStatus": code}, nil)
	default:
		s.reply(w, app, nil, refuse(codeBusy, "系统异常："+code))
	}
}
