package wechat

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/wechatpay-apiv3/wechatpay-go/core"

	"github.com/regpay/regpay/internal/outbound"
	"github.com/regpay/regpay/internal/payment"
)

// system is how failures name this channel.
const system = string(payment.WeChat)

// Operations, as failures name them.
const (
	opPrepay       = "prepay"
	opQuery        = "query"
	opClose        = "close"
	opRefund       = "refund"
	opQueryRefund  = "query_refund"
	opCertificates = "certificates"
	opNotification = "notification"
)

// Codes of WeChat Pay that decide something here, in their v3 spelling.
const (
	codeOrderNotExist    = "ORDER_NOT_EXIST"
	codeResourceNotExist = "RESOURCE_NOT_EXISTS"
	codeFrequency        = "FREQUENCY_LIMITED"
	codeOrderClosed      = "ORDER_CLOSED"
)

// fail sorts an error of the library. The result tells whether a reply came.
// personal is what must not be repeated from the other side's words.
//
// A reply that is not 2xx carries no signature, so whoever stands in between
// could have written it. It may therefore delay something but not conclude
// anything about money: a refused query or close says nothing of the charge
// and is Uncertain, never Final. What a refused prepay or refund means is
// decided by Prepay and Refund, which look again.
func fail(op string, result *core.APIResult, err error, personal ...string) *payment.Failure {
	f := &payment.Failure{System: system, Op: op}
	var api *core.APIError
	var exchange *url.Error
	if errors.As(err, &exchange) {
		err = exchange.Err // its URL has the host that the library believes in
	}
	switch {
	case errors.As(err, &api):
		// The APIError itself is left behind: its text has all headers and the
		// field values that were complained of.
		f.Code = spelling(api.Code)
		f.Kind = kindOfReply(api.StatusCode, f.Code)
		if f.Code == "" {
			f.Code = "http_" + strconv.Itoa(api.StatusCode)
		}
		f.Message = harmless(api.Message, personal)
		if id := api.Header.Get("Request-Id"); id != "" && len(id) <= 128 {
			f.Err = errors.New("request id " + id)
		}
	case outbound.Unsent(err):
		f.Kind, f.Code, f.Err = payment.Retryable, "unreachable", err
	case outbound.TimedOut(err):
		f.Kind, f.Code, f.Err = payment.Uncertain, "timeout", err
	case result != nil && result.Response != nil:
		// A 2xx that is not signed, not fresh, or not readable.
		f.Kind, f.Code, f.Err = payment.Uncertain, "unusable_reply", err
	default:
		f.Kind, f.Code, f.Err = payment.Uncertain, "no_answer", err
	}
	switch {
	case f.Kind == payment.Final && (op == opQuery || op == opClose || op == opQueryRefund):
		f.Kind = payment.Uncertain
	case f.Kind == payment.Retryable && op == opRefund && api != nil:
		// WeChat Pay wants a refund that met a limit to be asked for first.
		f.Kind = payment.Uncertain
	}
	return f
}

// kindOfReply sorts a reply that is not 2xx. Codes are those of the pages for
// payments and refunds; an unknown one on a 4xx is a refusal.
func kindOfReply(status int, code string) payment.Kind {
	switch {
	case code == codeFrequency, status == http.StatusTooManyRequests:
		return payment.Retryable
	case status >= 500, status < 400, status == http.StatusRequestTimeout:
		return payment.Uncertain
	}
	switch code {
	case "SYSTEM_ERROR", "BANK_ERROR", "SERVICE_UNAVAILABLE", "USERPAYING":
		return payment.Uncertain
	case "":
		// Not WeChat Pay's own words, so a proxy's or a firewall's.
		return payment.Uncertain
	}
	return payment.Final
}

var codeForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,63}$`)

// spelling turns the codes of older pages into those of v3, and anything that
// is no code into "".
func spelling(code string) string {
	code = strings.ToUpper(strings.TrimSpace(code))
	switch code {
	case "SYSTEMERROR":
		return "SYSTEM_ERROR"
	case "BANKERROR":
		return "BANK_ERROR"
	case "ORDERNOTEXIST":
		return codeOrderNotExist
	case "RESOURCE_NOT_EXIST", "REFUNDNOTEXIST":
		return codeResourceNotExist
	case "ORDERPAID":
		return "ORDER_PAID"
	case "ORDERCLOSED":
		return codeOrderClosed
	case "NOTENOUGH":
		return "NOT_ENOUGH"
	case "NOAUTH":
		return "NO_AUTH"
	case "RULELIMIT":
		return "RULE_LIMIT"
	case "SIGNERROR":
		return "SIGN_ERROR"
	case "RATELIMIT_EXCEEDED", "RATELIMIT_EXCEED", "FREQUENCY_LIMIT_EXCEED":
		return codeFrequency
	}
	if !codeForm.MatchString(code) {
		return ""
	}
	return code
}

// harmless is the other side's message, cut, without the personal values that
// were sent to it.
func harmless(message string, personal []string) string {
	for _, p := range personal {
		if p != "" {
			message = strings.ReplaceAll(message, p, "***")
		}
	}
	return cut(message, 200)
}

// refuse is a Failure that this client found by itself before or instead of
// asking. On a call that only asks or closes it is Uncertain, as in fail.
func refuse(op, code, message string) *payment.Failure {
	kind := payment.Final
	if op == opQuery || op == opClose || op == opQueryRefund {
		kind = payment.Uncertain
	}
	return &payment.Failure{Kind: kind, System: system, Op: op, Code: code, Message: message}
}

// unusable is a signed reply that does not say what it has to.
func unusable(op, message string) *payment.Failure {
	return &payment.Failure{Kind: payment.Uncertain, System: system, Op: op, Code: "unusable_reply", Message: message}
}
