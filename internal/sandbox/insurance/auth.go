package insurance

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// authLife is how long an authorisation can be used.
const authLife = 10 * time.Minute

// authorisation is the patient's consent by electronic certificate. It is
// guarded by Server.mu.
type authorisation struct {
	hospital string
	psnNo    string
	idNo     string // empty: not compared
	issued   time.Time
	order    *order // for which it was spent
}

// issueRequest is the body of POST /insurance/auth.
type issueRequest struct {
	Hospital string `json:"hospital"`
	PsnNo    string `json:"psn_no"`
	IDNo     string `json:"id_no,omitempty"`
}

type issueReply struct {
	PayAuthNo string    `json:"payAuthNo"`
	EcToken   string    `json:"ecToken"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (s *Server) serveIssue(w http.ResponseWriter, r *http.Request) {
	var in issueRequest
	if err := sandbox.ReadJSON(r, &in); err != nil {
		sandbox.WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	reply, err := s.issue(in)
	if err != nil {
		sandbox.WriteProblem(w, http.StatusBadRequest, err)
		return
	}
	sandbox.WriteJSON(w, http.StatusCreated, reply)
}

func (s *Server) issue(in issueRequest) (issueReply, error) {
	if in.PsnNo == "" {
		return issueReply{}, errors.New("psn_no is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.knows(in.Hospital) {
		return issueReply{}, errors.New("no such hospital")
	}
	raw := make([]byte, 20+32)
	if _, err := rand.Read(raw); err != nil {
		return issueReply{}, err
	}
	now := s.env.Clock.Now()
	a := &authorisation{hospital: in.Hospital, psnNo: in.PsnNo, idNo: in.IDNo, issued: now}
	reply := issueReply{PayAuthNo: strings.ToUpper(hex.EncodeToString(raw[:20])), EcToken: hex.EncodeToString(raw[20:]),
		ExpiresAt: now.Add(authLife)}
	s.byAuthNo[reply.PayAuthNo], s.byToken[reply.EcToken] = a, a
	return reply, nil
}

func (s *Server) knows(hospital string) bool {
	for _, app := range s.applications {
		if app.hospital == hospital {
			return true
		}
	}
	return false
}

// authorise finds the authorisation that a request names by payAuthNo or
// ecToken and checks that it can be spent for o: it is o's already, or it is
// fresh, unused and the same person's. It spends nothing; s.mu is held.
func (s *Server) authorise(o *order, data map[string]any, now time.Time) (*authorisation, *refusal) {
	authNo, token := text(data, "payAuthNo"), text(data, "ecToken")
	if authNo == "" && token == "" {
		return nil, refuse(codeField, "payAuthNo 与 ecToken 至少填一项")
	}
	a := s.byAuthNo[authNo]
	if authNo == "" {
		a = s.byToken[token]
	}
	switch {
	case a == nil, authNo != "" && token != "" && s.byToken[token] != a:
		return nil, refuse(codeAuthorisation, "授权不存在")
	case a.hospital != o.app.hospital, a.psnNo != o.psnNo, a.idNo != "" && !strings.EqualFold(a.idNo, o.idNo):
		return nil, refuse(codeAuthorisation, "授权与参保人或机构不符")
	case a.order == o:
		return a, nil
	case a.order != nil:
		return nil, refuse(codeAuthUsed, "授权已使用")
	case !now.Before(a.issued.Add(authLife)):
		return nil, refuse(codeAuthExpired, "授权已过期")
	}
	return a, nil
}
