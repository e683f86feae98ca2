package identity

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/regpay/regpay/internal/sandbox"
)

// The errcodes of the face check; the package comment says which are official.
const (
	errSystemBusy   = -1
	errBadToken     = 40001
	errNoToken      = 41001
	errBadJSON      = 47001
	errBadVerifyID  = 84001
	errExpired      = 84002
	errNoResult     = 84003 // not done yet: ask again
	errBadField     = 84006
	errCertHash     = 84008
	errSeqNoUsed    = 84009
	verifyIDSeconds = 3600
)

// faceRefusal is an answer with an errcode; its text shows no value of the request.
type faceRefusal struct {
	code    int
	message string
}

func (r *faceRefusal) Error() string { return r.message }

// faceError answers as WeChat does: HTTP 200, whatever went wrong.
func faceError(w http.ResponseWriter, r *faceRefusal) {
	sandbox.WriteJSON(w, http.StatusOK, map[string]any{"errcode": r.code, "errmsg": r.message})
}

// idRequest asks for a face check to be opened.
type idRequest struct {
	OutSeqNo string   `json:"out_seq_no"`
	CertInfo certInfo `json:"cert_info"`
	OpenID   string   `json:"openid"`
}

// resultRequest asks how a face check went.
type resultRequest struct {
	VerifyID string `json:"verify_id"`
	OutSeqNo string `json:"out_seq_no"`
	CertHash string `json:"cert_hash"`
	OpenID   string `json:"openid"`
}

func (s *Server) getVerifyID(w http.ResponseWriter, r *http.Request) {
	opened, body, refusal := s.faceRequest(r)
	if refusal != nil {
		faceError(w, refusal)
		return
	}
	request, refusal := s.faces.parseIDRequest(body)
	if refusal != nil {
		faceError(w, refusal)
		return
	}
	id, expiresIn, refusal := s.faces.open(opened, request)
	if refusal != nil {
		faceError(w, refusal)
		return
	}
	sandbox.WriteJSON(w, http.StatusOK, map[string]any{"errcode": 0, "errmsg": "ok", "verify_id": id, "expires_in": expiresIn})
}

func (s *Server) queryVerifyInfo(w http.ResponseWriter, r *http.Request) {
	opened, body, refusal := s.faceRequest(r)
	if refusal != nil {
		faceError(w, refusal)
		return
	}
	request, refusal := parseResultRequest(body)
	if refusal != nil {
		faceError(w, refusal)
		return
	}
	verifyRet, refusal := s.faces.result(opened, request)
	if refusal != nil {
		faceError(w, refusal)
		return
	}
	sandbox.WriteJSON(w, http.StatusOK, map[string]any{"errcode": 0, "errmsg": "ok", "verify_ret": verifyRet})
}

// faceRequest finds the account by its access token and reads the body.
func (s *Server) faceRequest(r *http.Request) (account, []byte, *faceRefusal) {
	token := r.URL.Query().Get("access_token")
	if token == "" {
		return account{}, nil, &faceRefusal{errNoToken, "access_token missing"}
	}
	opened, ok := s.faceAccount(token)
	if !ok {
		return account{}, nil, &faceRefusal{errBadToken, "invalid credential, access_token is invalid or not latest"}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return account{}, nil, &faceRefusal{errSystemBusy, "system error"}
	}
	return opened, body, nil
}

func newSeqNo() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z_-]{5,32}$`) }

func (f *faces) parseIDRequest(body []byte) (idRequest, *faceRefusal) {
	var request idRequest
	if decodeStrict(body, &request) != nil {
		return idRequest{}, &faceRefusal{errBadJSON, "data format error"}
	}
	name := request.CertInfo.Name
	var wrong string
	switch {
	case !f.seqNo.MatchString(request.OutSeqNo):
		wrong = "out_seq_no"
	case request.CertInfo.Type != certTypeIDCard:
		wrong = "cert_type"
	case name == "" || name != strings.TrimSpace(name) || utf8.RuneCountInString(name) > 64:
		wrong = "cert_name"
	case !wellFormed(request.CertInfo.No):
		wrong = "cert_no"
	case request.OpenID == "" || len(request.OpenID) > 128:
		wrong = "openid"
	default:
		return request, nil
	}
	return idRequest{}, &faceRefusal{errBadField, wrong + " empty or invalid"}
}

func parseResultRequest(body []byte) (resultRequest, *faceRefusal) {
	var request resultRequest
	if decodeStrict(body, &request) != nil {
		return resultRequest{}, &faceRefusal{errBadJSON, "data format error"}
	}
	if request.VerifyID == "" || request.OutSeqNo == "" || request.CertHash == "" || request.OpenID == "" {
		return resultRequest{}, &faceRefusal{errBadField, "verify_id, out_seq_no, cert_hash or openid empty"}
	}
	return request, nil
}
