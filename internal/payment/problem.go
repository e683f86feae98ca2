package payment

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a request, found by the rules of
// this package. Code is stable and is what callers and translations go by;
// Field is a path in the request's JSON.
type Problem struct {
	Code  string `json:"code"`
	Field string `json:"field,omitempty"`
	// Text is the English sentence, free of personal data.
	Text string `json:"text"`
	// Maintenance is set for CodeMaintenance.
	Maintenance *Maintenance `json:"maintenance,omitempty"`
}

func (p Problem) Error() string {
	if p.Field == "" {
		return p.Text
	}
	return p.Field + ": " + p.Text
}

// Problems is everything that is wrong with a request.
type Problems []Problem

func (ps Problems) Error() string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = p.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap lets errors.As find a single Problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

func (ps *Problems) add(field, code, format string, args ...any) {
	*ps = append(*ps, Problem{Code: code, Field: field, Text: fmt.Sprintf(format, args...)})
}

func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// HasCode says whether err is or holds a Problem of that code.
func HasCode(err error, code string) bool {
	var all Problems
	if errors.As(err, &all) {
		for _, p := range all {
			if p.Code == code {
				return true
			}
		}
	}
	var one Problem
	return errors.As(err, &one) && one.Code == code
}

// Codes of problems. They are part of the API: add, never rename.
const (
	CodeHospital        = "unknown_hospital"
	CodeOrderNo         = "invalid_order_no"
	CodeAmount          = "invalid_amount"
	CodeFees            = "fees_do_not_add_up"
	CodeSplit           = "split_does_not_add_up"
	CodeMethod          = "unknown_method"
	CodeChannel         = "channel_not_available"
	CodeScene           = "invalid_scene"
	CodeSlot            = "invalid_slot"
	CodeSlotPassed      = "slot_passed"
	CodeIDNumber        = "invalid_id_number"
	CodeIDType          = "invalid_id_type"
	CodePhone           = "invalid_phone"
	CodeName            = "invalid_name"
	CodeOpenID          = "openid_required"
	CodeInsuranceAuth   = "insurance_authorisation_required"
	CodeCallback        = "invalid_callback_url"
	CodeDeadline        = "invalid_pay_deadline"
	CodeOrderConflict   = "order_conflict"
	CodeNotFound        = "payment_not_found"
	CodeState           = "not_in_this_state"
	CodeVerification    = "verification_failed"
	CodeVerifyKind      = "unknown_verification"
	CodeTooMany         = "too_many_attempts"
	CodeRefundAmount    = "invalid_refund_amount"
	CodeRefundExceeds   = "refund_exceeds_capture"
	CodeRefundConflict  = "refund_conflict"
	CodeCaseClosed      = "case_closed"
	CodeCaseUnknown     = "case_not_found"
	CodeDecision        = "decision_not_allowed"
	CodeOperator        = "operator_required"
	CodeReference       = "reference_required"
	CodeSecondPerson    = "second_person_required"
	CodeContradicted    = "contradicted_by_platform"
	CodeRefused         = "refused_by_risk_rules"
	CodeChannelDeclined = "channel_declined"
	CodeMaintenance     = "maintenance"
	CodeWindow          = "invalid_window"
	CodeWindowSystem    = "unknown_system"
	CodeWindowConflict  = "window_conflict"
	CodeWindowUnknown   = "window_not_found"
	CodeAttemptTaken    = "attempt_taken" // inside the workflows alone
)
