package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Face checks a patient's face against the register of identity cards. The
// patient's app shows it; only what Result asks of the server counts, never
// what the app reports.
type Face interface {
	// Start opens a check. Repeating it with the same FaceStart is safe.
	Start(ctx context.Context, s FaceStart) (FaceTicket, error)
	// Result asks how the check ended, with the very FaceStart that opened it.
	Result(ctx context.Context, t FaceTicket, s FaceStart) (FaceResult, error)
}

// FaceStart is who is to be checked.
type FaceStart struct {
	OutSeqNo string // ours: 5–32 of [0-9A-Za-z_-], unique per check
	Name     string
	IDNumber string // of the resident identity card
	OpenID   string
}

// String keeps a patient out of anything that formats values.
func (s FaceStart) String() string { return "face(" + s.OutSeqNo + ")" }

// GoString does the same for %#v.
func (s FaceStart) GoString() string { return s.String() }

// FaceTicket is an open check: VerifyID goes to the patient's app.
type FaceTicket struct {
	VerifyID  string    `json:"verify_id"`
	ExpiresAt time.Time `json:"expires_at"`
}

// FaceResult is how a check stands.
type FaceResult string

// The results.
const (
	FacePassed    FaceResult = "passed"
	FaceMismatch  FaceResult = "mismatch"  // another person, name or number
	FaceCancelled FaceResult = "cancelled" // not done: given up, no camera, expired; may be started anew
	FacePending   FaceResult = "pending"   // not done yet
)

// FaceBaseURL is WeChat's.
const FaceBaseURL = "https://api.weixin.qq.com"

// FaceConfig is a mini program's account.
type FaceConfig struct {
	BaseURL string // empty: FaceBaseURL
	// AccessToken returns the mini program's access token. It is asked at each
	// call, since a token lives two hours and is renewed elsewhere: a program
	// has one valid token, and two renewers would take it from each other.
	AccessToken func(ctx context.Context) (string, error)
	Timeout     time.Duration
	Transport   http.RoundTripper // nil: http.DefaultTransport
	Now         func() time.Time  // nil: time.Now
}

// StaticToken is an access token that never changes.
func StaticToken(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// WeChatFace is Face by WeChat's mini program interface
// (developers.weixin.qq.com, getVerifyId and queryVerifyInfo). It is safe for
// concurrent use.
type WeChatFace struct {
	caller
	token func(context.Context) (string, error)
	now   func() time.Time
}

var _ Face = (*WeChatFace)(nil)

const (
	opFaceStart  = "start"
	opFaceResult = "result"
	// certType is the only document that the interface knows.
	certType = "IDENTITY_CARD"
)

// NewWeChatFace checks the configuration and makes the client; it sends nothing.
func NewWeChatFace(cfg FaceConfig) (*WeChatFace, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = FaceBaseURL
	}
	c, err := newCaller("face", cfg.BaseURL, cfg.Timeout, cfg.Transport)
	switch {
	case err != nil:
		return nil, fmt.Errorf("face check: %w", err)
	case cfg.AccessToken == nil:
		return nil, errors.New("face check: no access token")
	}
	f := &WeChatFace{caller: c, token: cfg.AccessToken, now: cfg.Now}
	if f.now == nil {
		f.now = time.Now
	}
	return f, nil
}

type certInfo struct {
	Type string `json:"cert_type"`
	Name string `json:"cert_name"`
	No   string `json:"cert_no"`
}

// faceReply is of both calls; the HTTP status is 200 also for an errcode.
type faceReply struct {
	ErrCode   *int   `json:"errcode"`
	VerifyID  string `json:"verify_id"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	VerifyRet *int   `json:"verify_ret"`
}

// Start opens a check.
func (f *WeChatFace) Start(ctx context.Context, s FaceStart) (FaceTicket, error) {
	if !s.sendable() {
		return FaceTicket{}, f.fail(payment.Final, opFaceStart, "invalid_request", nil)
	}
	asked := f.now()
	r, err := f.call(ctx, opFaceStart, "/cityservice/face/identify/getverifyid", map[string]any{
		"out_seq_no": s.OutSeqNo, "cert_info": certInfo{certType, s.Name, s.IDNumber}, "openid": s.OpenID,
	})
	if err != nil {
		return FaceTicket{}, err
	}
	if *r.ErrCode != 0 {
		return FaceTicket{}, f.refusal(opFaceStart, *r.ErrCode)
	}
	if r.VerifyID == "" || len(r.VerifyID) > 256 || r.ExpiresIn <= 0 || r.ExpiresIn > 86400 {
		return FaceTicket{}, f.fail(payment.Uncertain, opFaceStart, "unusable_reply", nil)
	}
	return FaceTicket{VerifyID: r.VerifyID, ExpiresAt: asked.Add(time.Duration(r.ExpiresIn) * time.Second)}, nil
}

// Result asks how the check ended. A check that its patient never did is
// FacePending until the ticket expires and FaceCancelled after.
func (f *WeChatFace) Result(ctx context.Context, t FaceTicket, s FaceStart) (FaceResult, error) {
	if !s.sendable() || t.VerifyID == "" {
		return "", f.fail(payment.Final, opFaceResult, "invalid_request", nil)
	}
	r, err := f.call(ctx, opFaceResult, "/cityservice/face/identify/queryverifyinfo", map[string]any{
		"verify_id": t.VerifyID, "out_seq_no": s.OutSeqNo, "cert_hash": certHash(s.Name, s.IDNumber), "openid": s.OpenID,
	})
	if err != nil {
		return "", err
	}
	return f.outcome(t, r)
}

// outcome reads the reply as a whole: verify_ret counts beside errcode 0 alone.
func (f *WeChatFace) outcome(t FaceTicket, r faceReply) (FaceResult, error) {
	switch *r.ErrCode {
	case 0:
	case 84002: // expired before it was done
		return FaceCancelled, nil
	case 84003: // not done yet
		return f.pending(t), nil
	default:
		return "", f.refusal(opFaceResult, *r.ErrCode)
	}
	if r.VerifyRet == nil {
		return "", f.fail(payment.Uncertain, opFaceResult, "unusable_reply", nil)
	}
	return f.result(t, *r.VerifyRet)
}

// result reads verify_ret. Everything that the patient's device can meet
// (90001 and above) and a check that took too long may be tried anew; a code
// about our own account is an error, not the patient's result.
func (f *WeChatFace) result(t FaceTicket, ret int) (FaceResult, error) {
	switch ret {
	case 10000:
		return FacePassed, nil
	case 10003, 10004, 10012: // number, face, comparison
		return FaceMismatch, nil
	case 10005, 10300: // under way, not finished
		return f.pending(t), nil
	case 10002, 10010, 10020: // no face seen, a poor picture, too slow
		return FaceCancelled, nil
	}
	if ret >= 90000 && ret <= 90999 {
		return FaceCancelled, nil
	}
	return "", f.fail(payment.Final, opFaceResult, "ret_"+strconv.Itoa(ret), nil)
}

func (f *WeChatFace) pending(t FaceTicket) FaceResult {
	if !t.ExpiresAt.IsZero() && !f.now().Before(t.ExpiresAt) {
		return FaceCancelled
	}
	return FacePending
}

func (f *WeChatFace) call(ctx context.Context, op, path string, body map[string]any) (faceReply, error) {
	token, err := f.token(ctx)
	if err != nil {
		return faceReply{}, f.fail(payment.Retryable, op, "access_token", err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return faceReply{}, f.fail(payment.Final, op, "encode", nil)
	}
	status, _, reply, err := f.post(ctx, op, path+"?access_token="+url.QueryEscape(token), nil, text)
	if err != nil {
		return faceReply{}, err
	}
	if status != http.StatusOK {
		return faceReply{}, f.fail(payment.Uncertain, op, "http_"+strconv.Itoa(status), nil)
	}
	return f.parse(op, reply)
}

func (f *WeChatFace) parse(op string, reply []byte) (faceReply, error) {
	var r faceReply
	if err := json.Unmarshal(reply, &r); err != nil || r.ErrCode == nil {
		return faceReply{}, f.fail(payment.Uncertain, op, "unusable_reply", nil)
	}
	return r, nil
}

// refusal sorts an errcode. Its errmsg is left alone: it may repeat what was
// sent. Tokens are renewed elsewhere, so theirs is worth another try.
func (f *WeChatFace) refusal(op string, code int) *payment.Failure {
	kind := payment.Final
	switch code {
	case -1, 40001, 40014, 41001, 42001, 45009, 45011: // busy, token, too often
		kind = payment.Retryable
	}
	return f.fail(kind, op, "errcode_"+strconv.Itoa(code), nil)
}

// sendable keeps out what the interface would refuse, or worse, not refuse.
func (s FaceStart) sendable() bool {
	return seqNo.MatchString(s.OutSeqNo) && s.Name != "" && s.IDNumber != "" && s.OpenID != ""
}

var seqNo = regexp.MustCompile(`^[0-9A-Za-z_-]{5,32}$`)

// certHash is the digest of the document that a check was opened for: lower
// hex SHA-256 over the base64 of each value, in this order, not URL-escaped.
func certHash(name, number string) string {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	sum := sha256.Sum256([]byte("cert_type=" + b64(certType) + "&cert_name=" + b64(name) + "&cert_no=" + b64(number)))
	return hex.EncodeToString(sum[:])
}
