package wechat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Error codes that the platform answers with.
const (
	codeParam            = "PARAM_ERROR"
	codeInvalidRequest   = "INVALID_REQUEST"
	codeAppIDMismatch    = "APPID_MCHID_NOT_MATCH"
	codeOrderClosed      = "ORDER_CLOSED"
	codeOrderPaid        = "ORDERPAID"
	codeSign             = "SIGN_ERROR"
	codeOutTradeNoUsed   = "OUT_TRADE_NO_USED"
	codeNoAuth           = "NO_AUTH"
	codeOrderNotExist    = "ORDER_NOT_EXIST"
	codeResourceNotFound = "RESOURCE_NOT_EXISTS"
	codeNotFound         = "NOT_FOUND"
	codeFrequency        = "FREQUENCY_LIMITED"
	codeSystem           = "SYSTEM_ERROR"
)

// statusOf is the HTTP status that goes with a code, older spellings included
// since the platform still uses them here and there; 500 for one unknown.
func statusOf(code string) int {
	switch code {
	case codeParam, codeInvalidRequest, codeAppIDMismatch, codeOrderClosed, codeOrderPaid, "MCH_NOT_EXISTS", "ORDERCLOSED":
		return http.StatusBadRequest
	case codeSign:
		return http.StatusUnauthorized
	case codeNoAuth, codeOutTradeNoUsed, "RULE_LIMIT", "TRADE_ERROR", "NOT_ENOUGH", "USER_ACCOUNT_ABNORMAL", "ACCOUNT_ERROR",
		"NOAUTH", "RULELIMIT", "NOTENOUGH", "ACCOUNTERROR":
		return http.StatusForbidden
	case codeOrderNotExist, codeResourceNotFound, codeNotFound, "ORDERNOTEXIST":
		return http.StatusNotFound
	case codeFrequency, "RATELIMIT_EXCEEDED":
		return http.StatusTooManyRequests
	case "BAD_GATEWAY":
		return http.StatusBadGateway
	case "SERVICE_UNAVAILABLE":
		return http.StatusServiceUnavailable
	case "USERPAYING":
		return http.StatusAccepted // not an outcome: ask again
	default:
		return http.StatusInternalServerError
	}
}

// apiError is the platform's error body.
type apiError struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Detail  *errorDetail `json:"detail,omitempty"`
}

type errorDetail struct {
	Field    string `json:"field"`
	Value    string `json:"value,omitempty"`
	Issue    string `json:"issue"`
	Location string `json:"location"`
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func refuse(code, message string) *apiError { return &apiError{Code: code, Message: message} }

// badField refuses a field of the request: location is body, url or authorization.
// The value is never echoed: it may be a person's.
func badField(location, field, issue string) *apiError {
	return &apiError{Code: codeParam, Message: fmt.Sprintf("输入源“/%s/%s”%s", location, field, issue),
		Detail: &errorDetail{Field: field, Issue: issue, Location: location}}
}

func badSignature(field, message string) *apiError {
	return &apiError{Code: codeSign, Message: message,
		Detail: &errorDetail{Field: field, Issue: "sign not match", Location: "authorization"}}
}

// writeError answers with an error body; such replies carry no signature.
func writeError(w http.ResponseWriter, err error) {
	var refusal *apiError
	if !errors.As(err, &refusal) {
		refusal = refuse(codeSystem, "系统异常，请用相同参数重新调用")
	}
	body, err := json.Marshal(refusal)
	if err != nil { // three strings cannot fail to marshal
		body = []byte(`{"code":"SYSTEM_ERROR"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(statusOf(refusal.Code))
	w.Write(body) //nolint:errcheck // the caller may have gone
}
