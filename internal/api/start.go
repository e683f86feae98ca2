package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

type startInput struct{ Body wire.Start }

type startOutput struct {
	Status   int
	Location string `header:"Location" doc:"The payment's address"`
	Replayed string `header:"Idempotent-Replayed" doc:"true when the payment was there before"`
	Body     wire.Answer
}

// start opens a payment, or returns the one that is there. A repeat is told by
// the books alone as far as possible, so that it is cheap and holds when the
// slot has passed meanwhile.
func (s *server) start(ctx context.Context, in *startInput) (*startOutput, error) {
	req := in.Body.Request()
	invalid := req.Check(s.now())
	hospital, known := s.hospitals.Hospital(req.Order.HospitalID)
	if !known || !callerOf(ctx).may(req.Order.HospitalID) {
		return nil, withHospital(invalid)
	}
	if payment.HasCode(invalid, payment.CodeOrderNo) {
		return nil, invalid
	}
	// Nearly every order is new, so first comes what is least to look for.
	id := payment.ID(req.Order.HospitalID, req.Order.OrderNo)
	switch _, err := s.books.Ref(ctx, id); {
	case err == nil:
		view, err := s.books.Payment(ctx, id)
		if err != nil {
			return nil, err
		}
		return s.replay(ctx, req, view, invalid)
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	case invalid != nil:
		return nil, invalid
	}
	if err := offered(hospital, req.Choice, req.Order); err != nil {
		return nil, err
	}
	a, replayed, err := s.engine.Begin(ctx, req)
	return began(req, a, replayed, err)
}

// replay answers a start whose order is in the books.
func (s *server) replay(ctx context.Context, req payment.Request, v store.View, invalid error) (*startOutput, error) {
	if v.RequestIndex != s.index(req.Digest()) {
		if invalid != nil {
			return nil, invalid
		}
		return nil, newProblem(payment.CodeOrderConflict)
	}
	_, payable := wire.OpenTender(v)
	if v.Status == payment.Pending || v.Status == payment.Verifying || v.Status == payment.AwaitingPayment && !payable {
		// The first start is still at work, its charge perhaps written down and
		// not answered yet, or only the workflow knows which verifications it
		// takes: join it.
		a, _, err := s.engine.Begin(ctx, req)
		return began(req, a, true, err)
	}
	return started(wire.AnswerOfView(v), true), nil
}

func began(req payment.Request, a payment.Answer, replayed bool, err error) (*startOutput, error) {
	if err != nil {
		return nil, err
	}
	if a.Digest != req.Digest() {
		return nil, newProblem(payment.CodeOrderConflict)
	}
	return started(wire.AnswerOf(a, req.Order.HospitalID, req.Order.OrderNo), replayed), nil
}

func started(a wire.Answer, replayed bool) *startOutput {
	out := &startOutput{Status: http.StatusCreated, Location: "/v1/payments/" + a.PaymentID, Body: a}
	if replayed {
		out.Status, out.Replayed = http.StatusOK, "true"
	}
	return out
}

// withHospital adds an unknown hospital to what else is wrong. A hospital of
// somebody else's key is told the same way as one that is not there.
func withHospital(invalid error) error {
	unknown := payment.Problem{Code: payment.CodeHospital, Field: "order.hospital_id",
		Text: "not a hospital of this installation, or not one of this key"}
	all := payment.Problems{unknown}
	var others payment.Problems
	if errors.As(invalid, &others) {
		for _, p := range others {
			if p.Code != payment.CodeHospital {
				all = append(all, p)
			}
		}
	}
	return all
}

// offered checks that the hospital takes every channel of the choice.
func offered(h Hospital, c payment.Choice, o payment.Order) error {
	for _, t := range c.Tenders(o.Amount) {
		if !h.Offers(t.Channel) {
			return payment.Problem{Code: payment.CodeChannel, Field: "choice.method",
				Text: "the hospital does not offer " + string(t.Channel)}
		}
	}
	return nil
}
