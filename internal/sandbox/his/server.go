package his

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"

	"github.com/regpay/regpay/internal/sandbox"
)

// pathPrefix is FHIR's [base] below the listening address.
const pathPrefix = "/fhir"

// The names under which faults of requests are set: every creation, every read or
// search, and every change of a stored resource. metadata has none, so that it meets
// latency and outages alone.
const (
	opRegister = "register"
	opQuery    = "query"
	opRevoke   = "revoke"
)

// Server is the HIS. [New] makes one; its zero value does not work.
type Server struct {
	files  *sandbox.Files
	faults *sandbox.Faults
	store  *store

	mu     sync.RWMutex
	tokens map[[sha256.Size]byte]string // hash of a bearer token → hospital
}

// New makes a HIS with empty books and no hospitals. It satisfies
// [sandbox.Counterparty], [sandbox.AdminRouter] and [sandbox.PathPrefixer].
func New(env *sandbox.Env) *Server {
	return &Server{
		files: env.Files, faults: env.NewFaults("his"), store: newStore(env.Clock.Now),
		tokens: map[[sha256.Size]byte]string{},
	}
}

// Name is "his".
func (s *Server) Name() string { return "his" }

// PathPrefix is FHIR's base below the address.
func (s *Server) PathPrefix() string { return pathPrefix }

// Faults is what goes wrong on purpose.
func (s *Server) Faults() *sandbox.Faults { return s.faults }

// Books returns a [Books].
func (s *Server) Books() any { return s.store.books() }

// onboarding is a hospital's part of the manifest.
type onboarding struct {
	BaseURL     string `json:"base_url"`
	BearerToken string `json:"bearer_token"` // the file that holds it
}

// Onboard issues the hospital's bearer token, or finds the one issued before.
func (s *Server) Onboard(_ context.Context, hospital sandbox.Hospital) (any, error) {
	file := hospital.ID + "/his/token.txt"
	token, err := s.files.Secret(file, 32)
	if err != nil {
		return nil, fmt.Errorf("issue the HIS token of %s: %w", hospital.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[sha256.Sum256([]byte(token))] = hospital.ID
	return onboarding{BaseURL: hospital.BaseURL, BearerToken: file}, nil
}

// AdminRoutes adds PUT /his/slots/{slot}: {"gone":true} withdraws a slot at every
// hospital, {"gone":false} offers it again. What is booked on it stays booked.
func (s *Server) AdminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("PUT /his/slots/{slot}", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Gone *bool `json:"gone"`
		}
		if err := sandbox.ReadJSON(r, &in); err != nil {
			sandbox.WriteProblem(w, http.StatusBadRequest, err)
			return
		}
		if in.Gone == nil {
			sandbox.WriteProblem(w, http.StatusBadRequest, fmt.Errorf("gone must be true or false"))
			return
		}
		s.store.setGone(r.PathValue("slot"), *in.Gone)
		sandbox.WriteJSON(w, http.StatusOK, map[string]any{"slot": r.PathValue("slot"), "gone": *in.Gone})
	})
}

// Handler serves FHIR behind the faults.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathPrefix+"/metadata", s.metadata)
	mux.HandleFunc(pathPrefix+"/{type}", s.authorised(s.serveType))
	mux.HandleFunc(pathPrefix+"/{type}/{id}", s.authorised(s.serveInstance))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, fhir.IssueTypeNotFound, "there is no such interaction below "+pathPrefix).write(w)
	})
	return s.faults.Middleware(sandbox.FaultPoint{Operation: operation, Error: injected}, mux)
}

// operation names a request for the faults.
func operation(r *http.Request) string {
	switch path := strings.TrimPrefix(r.URL.Path, pathPrefix+"/"); {
	case path == "metadata":
		return ""
	case r.Method == http.MethodPost:
		return opRegister
	case r.Method == http.MethodPut || r.Method == http.MethodPatch:
		return opRevoke
	default:
		return opQuery
	}
}

// injected answers with a fault's code: an HTTP status ("503"), the business refusal
// "slot-gone", or any other word as the code of an internal error.
func injected(w http.ResponseWriter, _ *http.Request, _, code string) {
	if code == CodeSlotGone {
		slotGone().write(w)
		return
	}
	status, err := strconv.Atoi(code)
	if err != nil || status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	issue := fhir.IssueTypeException
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		issue = fhir.IssueTypeTransient
	}
	(&refusal{status, issue, code, "the HIS could not carry out the request"}).write(w)
}

// authorised finds the hospital by the bearer token and settles media types.
func (s *Server) authorised(serve func(w http.ResponseWriter, r *http.Request, hospital string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		hospital, ok := s.hospital(r.Header.Get("Authorization"))
		if !ok {
			refuse(http.StatusUnauthorized, fhir.IssueTypeLogin, "a valid bearer token is required").write(w)
			return
		}
		if !acceptable(r.Header) {
			refuse(http.StatusNotAcceptable, fhir.IssueTypeNotSupported, "this HIS answers in "+fhirMediaType).write(w)
			return
		}
		if kind := r.PathValue("type"); kind != typeAppointment && kind != typePaymentNotice {
			refuse(http.StatusNotFound, fhir.IssueTypeNotSupported, "this HIS has no resources of that type").write(w)
			return
		}
		if err := serve(w, r, hospital); err != nil {
			asRefusal(err).write(w)
		}
	}
}

func (s *Server) hospital(authorization string) (string, bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	// Looked up by hash, so that the time taken says nothing about a token.
	hospital, ok := s.tokens[sha256.Sum256([]byte(token))]
	return hospital, ok
}
