package wire

import (
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Problem is an error as RFC 9457 problem details, with a stable code.
type Problem struct {
	Type      string       `json:"type" doc:"URI of the kind of problem: urn:regpay:problem: and the code" example:"urn:regpay:problem:order_conflict"`
	Title     string       `json:"title" doc:"The kind of problem, in the caller's language"`
	Status    int          `json:"status" doc:"The HTTP status"`
	Detail    string       `json:"detail,omitempty" doc:"What went wrong this time, in the caller's language"`
	Code      string       `json:"code" doc:"Stable code to go by" example:"order_conflict"`
	RequestID string       `json:"request_id,omitempty" doc:"To name when asking for help"`
	Errors    []FieldError `json:"errors,omitempty" doc:"Everything that is wrong with the request"`
	// The rest is of code maintenance.
	System       payment.System   `json:"system,omitempty" doc:"With maintenance: what is closed"`
	Until        time.Time        `json:"until,omitzero" doc:"With maintenance: the announced time of return"`
	Alternatives []payment.Method `json:"alternatives,omitzero" doc:"With maintenance: methods that can be used meanwhile"`
}

// FieldError is one thing that is wrong with a request.
type FieldError struct {
	Code   string `json:"code"`
	Field  string `json:"field,omitempty" doc:"Path in the body, or query and header members"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }
