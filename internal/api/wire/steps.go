package wire

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Verification starts a verification, or answers one that was started: it
// answers when challenge_id is there.
type Verification struct {
	Kind        payment.VerifyKind `json:"kind" enum:"sms,face"`
	ChallengeID string             `json:"challenge_id,omitempty" maxLength:"64" doc:"Of the verification that is answered"`
	Code        string             `json:"code,omitempty" maxLength:"12" doc:"The code of the SMS"`
}

// Verified is the reply to both: challenge when one was started, payment when
// one was answered.
type Verified struct {
	Challenge *Challenge `json:"challenge,omitempty"`
	Payment   *Answer    `json:"payment,omitempty"`
}

// Challenge is a verification that was started.
type Challenge struct {
	ChallengeID string             `json:"challenge_id"`
	Kind        payment.VerifyKind `json:"kind"`
	ExpiresAt   time.Time          `json:"expires_at"`
	VerifyID    string             `json:"verify_id,omitempty" doc:"For the face check in the patient's app"`
}

// Cancel ends a payment that is not completed; captured money goes back.
type Cancel struct {
	Reason string `json:"reason,omitempty" maxLength:"200" doc:"No personal data" example:"patient_changed_mind"`
}

// RefundOrder returns captured money. The same key with the same amount is the
// same refund; with another amount it is a conflict.
type RefundOrder struct {
	Key       string `json:"key" minLength:"1" maxLength:"48" pattern:"^[0-9A-Za-z_-]+$" patternDescription:"1 to 48 letters, digits, - and _" doc:"The caller's own number of the refund, unique within the payment" example:"return-1"`
	AmountFen int64  `json:"amount_fen" minimum:"1" maximum:"5000000" doc:"In fen"`
	Reason    string `json:"reason,omitempty" maxLength:"80" doc:"The patient may see it; no personal data"`
}

// Refund is money on its way back through one tender.
type Refund struct {
	RefundNo  string              `json:"refund_no" doc:"Its number at the channel"`
	Key       string              `json:"key"`
	Attempt   int                 `json:"attempt" doc:"The tender whose money it is"`
	AmountFen int64               `json:"amount_fen" doc:"In fen"`
	State     channel.RefundState `json:"state"`
	ChannelNo string              `json:"channel_no,omitempty"`
	Code      string              `json:"code,omitempty" doc:"The channel's word for it"`
	Reason    string              `json:"reason,omitempty"`
	Actor     string              `json:"actor,omitempty"`
	// RequestedAt is when the money was set aside.
	RequestedAt time.Time `json:"requested_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	ExpectedBy  time.Time `json:"expected_by,omitzero" doc:"By when the money is expected: the end of the seventh working day in China after the request, or after staff had it tried once more. Public holidays count where the State Council's notice for the year is known to this installation; in another year, weekends alone"`
	// History is what happened, oldest first.
	History []RefundStep `json:"history,omitempty" doc:"Every step, oldest first"`
}

// RefundStep is one thing that happened to a refund.
type RefundStep struct {
	At       time.Time       `json:"at"`
	Step     RefundStepName  `json:"step" enum:"requested,sent,processing,succeeded,failed,abnormal,absent,handed_over,in_review,overdue,decided,retried"`
	Code     string          `json:"code,omitempty" doc:"The channel's word, or the code of the case"`
	Actor    string          `json:"actor,omitempty"`
	Decision payment.Verdict `json:"decision,omitempty" doc:"Of decided: what staff decided"`
}

// RefundStepName is a kind of step.
type RefundStepName string

// The steps of a refund, by the audit log's word for them.
const (
	RefundRequested  RefundStepName = "requested"   // set aside
	RefundSent       RefundStepName = "sent"        // about to leave for the channel
	RefundProcessing RefundStepName = "processing"  // the channel took it
	RefundSucceeded  RefundStepName = "succeeded"   // the money is back
	RefundFailed     RefundStepName = "failed"      // the channel refuses
	RefundAbnormal   RefundStepName = "abnormal"    // stuck at the channel
	RefundAbsent     RefundStepName = "absent"      // the channel does not know it
	RefundHandedOver RefundStepName = "handed_over" // returned on site instead
	RefundInReview   RefundStepName = "in_review"   // staff are asked
	RefundOverdue    RefundStepName = "overdue"     // staff have not decided in time
	RefundDecided    RefundStepName = "decided"     // by staff
	RefundRetried    RefundStepName = "retried"     // tried once more, as staff decided
)

// refundStep names an action of the audit log; empty for one that is none.
func refundStep(action string) RefundStepName {
	switch action {
	case "refund_reserved":
		return RefundRequested
	case "refund_offline":
		return RefundHandedOver
	case "case_opened":
		return RefundInReview
	case "case_overdue":
		return RefundOverdue
	case "case_decided":
		return RefundDecided
	case "refund_sent", "refund_processing", "refund_succeeded", "refund_failed", "refund_abnormal", "refund_absent", "refund_retried":
		return RefundStepName(strings.TrimPrefix(action, "refund_"))
	}
	return ""
}

// refundHistory picks what happened to a refund out of its payment's log.
func refundHistory(r store.RefundRow, log []store.Happening) []RefundStep {
	var all []RefundStep
	cases := fmt.Sprintf("%s-R%02d-", r.PaymentID, r.N) // as payment.Case.ID has it
	for _, h := range log {
		name := refundStep(h.Action)
		if name == "" || h.Detail["refund"] != strconv.Itoa(r.N) && !strings.HasPrefix(h.Detail["case"], cases) {
			continue
		}
		all = append(all, RefundStep{At: utc(h.At), Step: name, Code: h.Detail["code"], Actor: h.Actor,
			Decision: payment.Verdict(h.Detail["decision"])})
	}
	return all
}

// Refunds lists refunds, oldest first. One order for a refund has several when
// it is split over tenders.
type Refunds struct {
	PaymentID string   `json:"payment_id"`
	Items     []Refund `json:"items" nullable:"false"`
}

// RefundOf writes a refund; key is the caller's part of the row's, log the
// timeline of its payment.
func RefundOf(r store.RefundRow, key string, log []store.Happening) Refund {
	return Refund{RefundNo: r.Refund.No, Key: key, Attempt: r.Attempt, AmountFen: r.Refund.Amount.Minor(),
		State: r.State, ChannelNo: r.ChannelNo, Code: r.Code, Reason: r.Refund.Reason, Actor: r.Actor,
		RequestedAt: utc(r.Refund.RequestedAt), UpdatedAt: utc(r.UpdatedAt), ExpectedBy: utc(r.ExpectedBy), History: refundHistory(r, log)}
}
