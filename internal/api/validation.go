package api

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regpay/regpay/internal/payment"
)

// ofHuma takes over the errors that huma finds while it reads a request. Its
// model would give the offending values back, which may be personal data that
// a caller then logs; places and reasons are enough.
func ofHuma(m *huma.ErrorModel) *problem {
	switch m.Status {
	case http.StatusBadRequest:
		return newProblem(CodeMalformed)
	case http.StatusNotAcceptable:
		return newProblem(CodeNotAcceptable)
	case http.StatusRequestTimeout:
		return newProblem(CodeReadTimeout)
	case http.StatusRequestEntityTooLarge:
		return newProblem(CodeTooLarge)
	case http.StatusUnsupportedMediaType:
		return newProblem(CodeMediaType)
	case http.StatusUnprocessableEntity:
		return ofDetails(m.Errors)
	}
	return newProblem(CodeInternal)
}

func ofDetails(details []*huma.ErrorDetail) *problem {
	p := newProblem(CodeInvalid)
	for _, d := range details {
		if d == nil {
			continue
		}
		path, text := d.Location, d.Message
		if path == "" || path == "body" {
			path, text = mistyped(d.Message)
		}
		path = strings.TrimPrefix(strings.TrimPrefix(path, "body"), ".")
		p.fields = append(p.fields, field{code: codeAt(path), path: path, text: text})
	}
	if len(p.fields) > 0 && allSame(p.fields) {
		p.code = p.fields[0].code
	}
	return p
}

func allSame(fields []field) bool {
	for _, f := range fields {
		if f.code != fields[0].code {
			return false
		}
	}
	return true
}

// codeAt gives members that have a code of their own that code, so that 12.5
// fen and -1 fen are told the same way.
func codeAt(path string) string {
	switch {
	case path == "choice.insurance_amount_fen" || path == "insurance_amount_fen":
		return payment.CodeSplit
	case path == "pay_within_seconds":
		return payment.CodeDeadline
	case strings.HasSuffix(path, "amount_fen"):
		return payment.CodeAmount
	case path == "choice.method" || path == "method":
		return payment.CodeMethod
	case path == "system":
		return payment.CodeWindowSystem
	case path == "kind":
		return payment.CodeVerifyKind
	case path == "order.slot.starts_at":
		return payment.CodeSlot
	}
	return CodeInvalid
}

var goField = regexp.MustCompile(`Go struct field \w+\.([\w.\[\]]+) of type`)

// mistyped reads what encoding/json says of a number such as 1e2, which is a
// whole number to a schema and not to Go.
func mistyped(message string) (path, text string) {
	if m := goField.FindStringSubmatch(message); m != nil {
		return m[1], "a number is written as plain digits"
	}
	if strings.HasPrefix(message, "json:") {
		return "", "a value is of the wrong type"
	}
	return "", message
}

// inChinese words what is wrong with a field. huma's reasons are English; the
// frequent ones are put in words here, the others by their code.
func inChinese(f field) string {
	if f.code != CodeInvalid {
		return kindOf(f.code).zh.detail
	}
	switch {
	case f.text == "unexpected property":
		return "未知的字段。"
	case strings.HasPrefix(f.text, "expected required property"):
		name := strings.TrimSuffix(strings.TrimPrefix(f.text, "expected required property "), " to be present")
		return "缺少必填字段 " + name + "。"
	case strings.HasPrefix(f.text, "unknown query parameter"):
		return "未知的查询参数。"
	case strings.HasPrefix(f.text, "expected length <="), strings.HasPrefix(f.text, "expected array length <="):
		return "超过长度上限。"
	case strings.HasPrefix(f.text, "expected value to be one of"):
		return "取值不在允许的范围内。"
	}
	return "字段的类型或格式不符。"
}
