package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/regpay/regpay/internal/sandbox"
)

const (
	pathMessages = "/v1/messages"
	pathGetID    = "/cityservice/face/identify/getverifyid"
	pathQuery    = "/cityservice/face/identify/queryverifyinfo"

	opSMS  = "sms"
	opFace = "face"
)

// Server is the SMS gateway and the face check. [New] makes one; its zero value does
// not work.
type Server struct {
	files   *sandbox.Files
	faults  *sandbox.Faults
	gateway *gateway
	faces   *faces

	mu       sync.RWMutex
	accounts map[string]account            // by SMS account
	tokens   map[[sha256.Size]byte]account // by hash of the access token
}

// account is one hospital's at both services.
type account struct {
	hospital, appID, smsAccount string
	smsKey                      []byte
}

// Option changes what [New] makes.
type Option func(*Server)

// WithoutSMSLimits lets any number receive any number of texts, for load tests.
func WithoutSMSLimits() Option {
	return func(s *Server) { s.gateway.limits = nil }
}

// New makes the services without accounts. It satisfies [sandbox.Counterparty] and
// [sandbox.AdminRouter].
func New(env *sandbox.Env, options ...Option) *Server {
	s := &Server{
		files: env.Files, faults: env.NewFaults("identity"),
		gateway: newGateway(env.Clock.Now), faces: newFaces(env.Clock.Now),
		accounts: map[string]account{}, tokens: map[[sha256.Size]byte]account{},
	}
	for _, option := range options {
		option(s)
	}
	return s
}

// Name is "identity".
func (s *Server) Name() string { return "identity" }

// Faults is what goes wrong on purpose.
func (s *Server) Faults() *sandbox.Faults { return s.faults }

// Books is what was asked of both services. Lists are never null.
type Books struct {
	Messages   []MessageEntry `json:"messages"`
	FaceChecks []FaceEntry    `json:"face_checks"`
}

// Books returns a [Books].
func (s *Server) Books() any {
	return Books{Messages: s.gateway.entries(), FaceChecks: s.faces.entries()}
}

// onboarding is a hospital's part of the manifest; access_token and sms_key are files.
type onboarding struct {
	AppID       string `json:"appid"`
	AccessToken string `json:"access_token"`
	SMSAccount  string `json:"sms_account"`
	SMSKey      string `json:"sms_key"`
}

// Onboard opens the hospital's accounts, or finds those opened before.
func (s *Server) Onboard(_ context.Context, hospital sandbox.Hospital) (any, error) {
	dir := hospital.ID + "/identity/"
	out := onboarding{AccessToken: dir + "access_token.txt", SMSKey: dir + "sms_key.txt"}
	var numbers struct {
		AppID      string `json:"appid"`
		SMSAccount string `json:"sms_account"`
	}
	err := s.files.JSON(dir+"account.json", &numbers, func() error {
		raw := make([]byte, 8)
		if _, err := rand.Read(raw); err != nil {
			return err
		}
		numbers.AppID = "wx" + hex.EncodeToString(raw)
		numbers.SMSAccount = "sms-" + hospital.ID
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open the identity accounts of %s: %w", hospital.ID, err)
	}
	token, err := s.files.Secret(out.AccessToken, 32)
	if err != nil {
		return nil, fmt.Errorf("issue the access token of %s: %w", hospital.ID, err)
	}
	key, err := s.files.Secret(out.SMSKey, 32)
	if err != nil {
		return nil, fmt.Errorf("issue the SMS key of %s: %w", hospital.ID, err)
	}
	out.AppID, out.SMSAccount = numbers.AppID, numbers.SMSAccount
	// The key is the text of the file, so that a client needs no rule for decoding it.
	opened := account{hospital.ID, out.AppID, out.SMSAccount, []byte(key)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[out.SMSAccount] = opened
	s.tokens[sha256.Sum256([]byte(token))] = opened
	return out, nil
}

// Handler serves both services behind the faults.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathMessages, s.sendMessage)
	mux.HandleFunc("POST "+pathGetID, s.getVerifyID)
	mux.HandleFunc("POST "+pathQuery, s.queryVerifyInfo)
	return s.faults.Middleware(sandbox.FaultPoint{Operation: operation, Error: injected}, mux)
}

func operation(r *http.Request) string {
	switch r.URL.Path {
	case pathMessages:
		return opSMS
	case pathGetID, pathQuery:
		return opFace
	default:
		return ""
	}
}

// injected answers with a fault's code in the service's own form. 400 to 599 is an HTTP
// status at either service; another number is an errcode of the face check, and a
// word means "system busy" there and is the code of an internal error at the gateway.
func injected(w http.ResponseWriter, _ *http.Request, operation, code string) {
	number, err := strconv.Atoi(code)
	isStatus := err == nil && number >= 400 && number <= 599
	if operation == opFace && !isStatus {
		if err != nil || number == 0 {
			number = errSystemBusy
		}
		faceError(w, &faceRefusal{number, "system error"})
		return
	}
	status := http.StatusInternalServerError
	if isStatus {
		status = number
	}
	refuseMessage(w, &smsRefusal{status: status, code: strings.ToUpper(code), message: "the message could not be handled"})
}

func (s *Server) smsAccount(name string) (account, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok := s.accounts[name]
	return found, ok
}

func (s *Server) faceAccount(token string) (account, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	// Looked up by hash, so that the time taken says nothing about a token.
	found, ok := s.tokens[sha256.Sum256([]byte(token))]
	return found, ok
}
