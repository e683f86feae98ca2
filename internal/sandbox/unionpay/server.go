package unionpay

import (
	"context"
	"crypto/rand"
	"fmt"
	"html/template"
	"io"
	"math/big"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// Name of this counterparty in the manifest, the books and the faults.
const Name = "unionpay"

// Server is the gateway. It is safe for concurrent use.
type Server struct {
	// RawReplies writes synchronous replies without percent-encoding, as the
	// real gateway does. Set it before the handler serves.
	RawReplies bool

	env    *sandbox.Env
	book   *sandbox.Book
	faults *sandbox.Faults

	cashier *template.Template
	forger  func() (identity, error)

	mu        sync.Mutex
	chain     *authority           // made at the first onboarding
	merchants map[string]*merchant // by merId
	orders    map[orderKey]*transaction
	daily     map[dailyKey]struct{}
	byQuery   map[string]*transaction
	byToken   map[string]*transaction
	sequence  int64 // of queryId and traceNo
	forged    int
}

type merchant struct {
	hospital string
	merID    string
	identity
}

// orderKey names one transaction.
type orderKey struct{ merID, orderID, txnTime string }

func (k orderKey) String() string { return k.merID + "/" + k.orderID + "/" + k.txnTime }

// dailyKey is what may be used once: an orderId on a trading day (yyyyMMdd).
type dailyKey struct{ merID, orderID, day string }

func (k orderKey) daily() dailyKey { return dailyKey{k.merID, k.orderID, k.txnTime[:8]} }

// New makes the gateway; hospitals are added by Onboard.
func New(env *sandbox.Env) *Server {
	s := &Server{
		env:       env,
		book:      sandbox.NewBook(),
		faults:    env.NewFaults(Name),
		cashier:   newPage(),
		forger:    sync.OnceValues(func() (identity, error) { return newForger(env.Clock.Now()) }),
		merchants: map[string]*merchant{},
		orders:    map[orderKey]*transaction{},
		daily:     map[dailyKey]struct{}{},
		byQuery:   map[string]*transaction{},
		byToken:   map[string]*transaction{},
	}
	env.Patients.Join(Name, s, sandbox.Default{Behaviour: sandbox.Abandon})
	return s
}

// Name implements [sandbox.Counterparty].
func (s *Server) Name() string { return Name }

// Faults implements [sandbox.Counterparty].
func (s *Server) Faults() *sandbox.Faults { return s.faults }

// Books implements [sandbox.Counterparty]. Orders whose payTimeout has passed
// unpaid are shown as closed.
func (s *Server) Books() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.env.Clock.Now()
	for _, t := range s.orders {
		s.expire(t, now)
	}
	return s.book.Snapshot()
}

// Onboarding is a hospital's part of the onboarding manifest; paths are
// relative to the sandbox's directory.
type Onboarding struct {
	MerID        string `json:"mer_id"`
	CertID       string `json:"cert_id"`
	MerchantKey  string `json:"merchant_key"`
	MerchantCert string `json:"merchant_cert"`
	RootCert     string `json:"root_cert"`
	MiddleCert   string `json:"middle_cert"`
}

// Onboard gives a hospital a merchant number of 15 digits and a signing key
// with its certificate.
func (s *Server) Onboard(_ context.Context, h sandbox.Hospital) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chain == nil {
		chain, err := openAuthority(s.env.Files, s.env.Clock.Now())
		if err != nil {
			return nil, fmt.Errorf("onboarding at unionpay: %w", err)
		}
		s.chain = chain
	}
	home := h.ID + "/" + Name + "/"
	var kept struct {
		MerID string `json:"mer_id"`
	}
	if err := s.env.Files.JSON(home+"merchant.json", &kept, func() error {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		kept.MerID = fmt.Sprintf("777290058%06d", n)
		return err
	}); err != nil {
		return nil, fmt.Errorf("onboarding at unionpay: %w", err)
	}
	if other, taken := s.merchants[kept.MerID]; taken && other.hospital != h.ID {
		return nil, fmt.Errorf("onboarding at unionpay: merchant number of %s is that of %s", h.ID, other.hospital)
	}
	out := Onboarding{MerID: kept.MerID, MerchantKey: home + "merchant_key.pem", MerchantCert: home + "merchant_cert.pem",
		RootCert: rootPath, MiddleCert: middlePath}
	cn := "041@" + kept.MerID + "@" + h.ID + "@00000001"
	id, err := openIdentity(s.env.Files, out.MerchantKey, out.MerchantCert, leafTemplate(cn, s.env.Clock.Now()), &s.chain.middle)
	if err != nil {
		return nil, fmt.Errorf("onboarding at unionpay: %w", err)
	}
	out.CertID = id.cert.SerialNumber.String()
	// The gateway keeps the public half alone.
	id.key = nil
	s.merchants[kept.MerID] = &merchant{hospital: h.ID, merID: kept.MerID, identity: id}
	return out, nil
}

// Handler implements [sandbox.Counterparty].
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /gateway/api/frontTransReq.do", s.serveFront)
	mux.HandleFunc("POST /gateway/api/backTransReq.do", s.serveBack)
	mux.HandleFunc("POST /gateway/api/appTransReq.do", s.serveBack)
	mux.HandleFunc("POST /gateway/api/queryTrans.do", s.serveQuery)
	mux.HandleFunc("POST /gateway/cashier", s.serveCashier)
	return s.faults.Middleware(sandbox.FaultPoint{Operation: s.operation, Error: s.serveFault}, mux)
}

// operation names a request for the faults.
func (s *Server) operation(r *http.Request) string {
	form, refused := readForm(r)
	if refused != nil {
		return ""
	}
	switch {
	case r.URL.Path == "/gateway/api/queryTrans.do":
		s.mu.Lock()
		defer s.mu.Unlock()
		if t := s.find(form); t != nil && t.original != nil {
			return "query_refund"
		}
		return "query"
	case form["txnType"] == typePay:
		return "prepay"
	case form["txnType"] == typeRefund:
		return "refund"
	case form["txnType"] == typeRevoke:
		return "revoke"
	}
	return ""
}

func (s *Server) serveFault(w http.ResponseWriter, r *http.Request, _, code string) {
	if len(code) != 2 {
		code = codeBusy // a name from another channel's vocabulary
	}
	form, _ := readForm(r)
	if r.URL.Path == "/gateway/api/frontTransReq.do" {
		s.page(w, http.StatusBadRequest, pageData{RespCode: code, Message: message(code)})
		return
	}
	s.reply(w, form, Form{"respCode": code, "respMsg": message(code)})
}

// readForm reads a request's form; the refusal says what is wrong with it.
func readForm(r *http.Request) (Form, *refusal) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, refuse(codeBadFormat, "Content-Type")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return nil, refuse(codeBadFormat, "body")
	}
	form, err := ParseForm(body)
	if err != nil {
		return nil, refuse(codeBadFormat, "form")
	}
	return form, nil
}

// reply signs the fields and the request's own identifying fields and writes
// them. A request that could not be read is answered too.
func (s *Server) reply(w http.ResponseWriter, request, fields Form) {
	out := request.echo("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType",
		"merId", "orderId", "txnTime", "txnAmt", "currencyCode", "reqReserved", "origQryId")
	for name, value := range fields {
		out[name] = value
	}
	// Whatever was sent, this is how the reply is signed.
	out["version"], out["encoding"], out["signMethod"] = version, "UTF-8", signMethodRSA
	s.mu.Lock()
	chain := s.chain
	s.mu.Unlock()
	if chain == nil {
		http.Error(w, "nobody has been onboarded", http.StatusServiceUnavailable)
		return
	}
	if err := sign(out, chain.signer.key, chain.signer.pem); err != nil {
		http.Error(w, "the reply could not be signed", http.StatusInternalServerError)
		return
	}
	if s.RawReplies {
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
		io.WriteString(w, out.StringToSign()+"&signature="+out[fieldSignature]) //nolint:errcheck // the caller may have gone
		return
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	io.WriteString(w, out.Encode()) //nolint:errcheck // the caller may have gone
}

// next gives the numbers of a transaction made now; s.mu is held. A queryId is
// the time and seven digits, a traceNo six digits.
func (s *Server) next(now time.Time) (queryID, traceNo string) {
	if s.sequence == 0 {
		// A random start keeps numbers apart across restarts within a second.
		if n, err := rand.Int(rand.Reader, big.NewInt(5_000_000)); err == nil {
			s.sequence = n.Int64()
		}
	}
	s.sequence++
	return fmt.Sprintf("%s%07d", now.In(shanghai()).Format(timeLayout), s.sequence%10_000_000), fmt.Sprintf("%06d", s.sequence%1_000_000)
}
