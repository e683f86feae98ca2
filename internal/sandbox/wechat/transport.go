package wechat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// reply is a successful answer; a nil body is sent as 204.
type reply struct{ body any }

// endpoint carries out one authenticated request. Its error is an *apiError or
// becomes SYSTEM_ERROR.
type endpoint func(m *merchant, r *http.Request, body []byte) (reply, error)

// authenticated checks a request's headers and signature, lets e carry it out,
// and signs what it answers.
func (s *Server) authenticated(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, sandbox.MaxRequestBody))
		if err != nil {
			writeError(w, refuse(codeParam, "请求报文无法读取"))
			return
		}
		m, err := s.identify(r, body)
		if err != nil {
			writeError(w, err)
			return
		}
		answer, err := e(m, r, body)
		if err != nil {
			var refusal *apiError
			if !errors.As(err, &refusal) {
				s.env.Log.Error("wechat: request failed", "path", r.Pattern, "err", err)
			}
			writeError(w, err)
			return
		}
		s.writeSigned(w, m, answer)
	})
}

// identify finds out which merchant signed the request. The order is the real
// one's: headers, then Authorization, then time, then signature.
func (s *Server) identify(r *http.Request, body []byte) (*merchant, error) {
	if r.Header.Get("User-Agent") == "" || r.Header.Get("Accept") == "" {
		return nil, refuse(codeParam, "Http头缺少Accept或User-Agent")
	}
	if r.Method == http.MethodPost {
		if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
			return nil, refuse(codeParam, "Http头Content-Type须为application/json")
		}
	}
	if r.Header.Get("Authorization") == "" {
		return nil, badSignature("authorization", "Http头缺少Authorization")
	}
	a, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return nil, badSignature("authorization", "Http头Authorization格式错误，请检查")
	}
	now := s.env.Clock.Now()
	if skew := now.Sub(time.Unix(a.timestamp, 0)); skew > clockWindow || skew < -clockWindow {
		return nil, badSignature("timestamp", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
	}
	s.mu.Lock()
	m := s.merchants[a.mchid]
	s.mu.Unlock()
	if m == nil {
		return nil, badSignature("mchid", "商户号不存在，请检查mchid")
	}
	if !strings.EqualFold(a.serial, m.MerchantSerial) {
		return nil, badSignature("serial_no", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")
	}
	// The path and query as they were sent, since that is what was signed.
	message := r.Method + "\n" + r.RequestURI + "\n" + strconv.FormatInt(a.timestamp, 10) + "\n" + a.nonce + "\n" + string(body) + "\n"
	if !verifyRSA(m.publicKey, message, a.signature) {
		return nil, badSignature("signature", "错误的签名，验签失败")
	}
	// Only a verified nonce is remembered, or a stranger could use them up.
	s.mu.Lock()
	fresh := s.nonces.use(a.mchid, a.nonce, a.signature, r.Method == http.MethodGet, now)
	s.mu.Unlock()
	if !fresh {
		return nil, badSignature("nonce_str", "随机串nonce_str已被使用，请勿重放请求")
	}
	return m, nil
}

// writeSigned sends a 2xx reply with the platform's signature.
func (s *Server) writeSigned(w http.ResponseWriter, m *merchant, answer reply) {
	status, body := http.StatusOK, []byte(nil)
	if answer.body == nil {
		status = http.StatusNoContent
	} else {
		if refusal, ok := answer.body.(*apiError); ok {
			status = statusOf(refusal.Code)
		}
		var err error
		if body, err = marshal(answer.body); err != nil {
			writeError(w, err)
			return
		}
	}
	headers, err := signatureHeaders(m, s.env.Clock.Now(), body)
	if err != nil {
		writeError(w, err)
		return
	}
	maps.Copy(w.Header(), headers)
	if body != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(status)
	if body != nil {
		w.Write(body) //nolint:errcheck // the caller may have gone
	}
}

// injectError answers with an error code that was asked for as a fault. One
// that goes with a 2xx status is signed if the merchant says who it is.
func (s *Server) injectError(w http.ResponseWriter, r *http.Request, _, code string) {
	w.Header().Set("Request-ID", strings.ToUpper(randomHex(16)))
	refusal := refuse(code, "系统繁忙，请稍后再试")
	if statusOf(code) < 300 {
		if a, err := parseAuthorization(r.Header.Get("Authorization")); err == nil {
			s.mu.Lock()
			m := s.merchants[a.mchid]
			s.mu.Unlock()
			if m != nil {
				s.writeSigned(w, m, reply{body: refusal})
				return
			}
		}
	}
	writeError(w, refusal)
}

// withRequestID numbers every reply, as the platform does for its support staff.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Request-ID", strings.ToUpper(randomHex(16)))
		next.ServeHTTP(w, r)
	})
}

// operation names a request for the faults.
func operation(r *http.Request) string {
	switch p := r.URL.Path; {
	case r.Method == http.MethodPost && (p == "/v3/pay/transactions/jsapi" || p == "/v3/pay/transactions/native"):
		return "prepay"
	case r.Method == http.MethodGet && strings.HasPrefix(p, "/v3/pay/transactions/"):
		return "query"
	case r.Method == http.MethodPost && strings.HasPrefix(p, "/v3/pay/transactions/") && strings.HasSuffix(p, "/close"):
		return "close"
	case r.Method == http.MethodPost && p == "/v3/refund/domestic/refunds":
		return "refund"
	case r.Method == http.MethodGet && strings.HasPrefix(p, "/v3/refund/domestic/refunds/"):
		return "query_refund"
	default:
		return ""
	}
}

// marshal writes JSON without escaping "&<>", as the platform does.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
