package api

import (
	"context"
	"strings"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/verification"
)

type answerOutput struct{ Body wire.Answer }

type methodInput struct {
	PaymentPath
	Body wire.Choice
}

// changeMethod gives the patient's new choice to the engine. What can be said
// without the order is checked here; whether it fits the order, there.
func (s *server) changeMethod(ctx context.Context, in *methodInput) (*answerOutput, error) {
	v, err := s.payment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	choice := in.Body.Domain()
	if h, known := s.hospitals.Hospital(v.HospitalID); known {
		if err := offered(h, choice, payment.Order{Amount: v.Amount}); err != nil {
			return nil, inBody(err)
		}
		if err := s.admitted(ctx, h, v, choice); err != nil {
			return nil, inBody(err)
		}
	}
	a, err := s.engine.ChangeMethod(ctx, refOf(v.Standing), choice)
	if err != nil {
		return nil, inBody(err)
	}
	return &answerOutput{Body: wire.AnswerOf(a, v.HospitalID, v.OrderNo)}, nil
}

// inBody renames the fields of problems of a choice where the choice is the
// whole body.
func inBody(err error) error {
	p, known := problemOf(err)
	if !known {
		return err
	}
	for i := range p.fields {
		p.fields[i].path = strings.TrimPrefix(p.fields[i].path, "choice.")
	}
	return p
}

type cancelInput struct {
	PaymentPath
	Body *wire.Cancel `required:"false"`
}

func (s *server) cancel(ctx context.Context, in *cancelInput) (*answerOutput, error) {
	ref, err := s.ref(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c := payment.Cancellation{Reason: "requested"}
	if in.Body != nil && in.Body.Reason != "" {
		c.Reason = in.Body.Reason
	}
	a, err := s.engine.Cancel(ctx, ref, c)
	if err != nil {
		return nil, err
	}
	return &answerOutput{Body: wire.AnswerOf(a, ref.HospitalID, ref.OrderNo)}, nil
}

type verifyInput struct {
	PaymentPath
	Body wire.Verification
}

type verifyOutput struct{ Body wire.Verified }

// verify starts a verification, or answers one.
func (s *server) verify(ctx context.Context, in *verifyInput) (*verifyOutput, error) {
	ref, err := s.ref(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.ChallengeID == "" {
		if in.Body.Code != "" {
			return nil, payment.Problem{Code: payment.CodeVerification, Field: "challenge_id",
				Text: "a code answers a challenge: name it"}
		}
		return s.challenge(ctx, in.ID, in.Body.Kind)
	}
	a, err := s.engine.Verify(ctx, ref, payment.Proof{Kind: in.Body.Kind, Code: in.Body.Code, Challenge: in.Body.ChallengeID})
	if err != nil {
		return nil, err
	}
	answer := wire.AnswerOf(a, ref.HospitalID, ref.OrderNo)
	return &verifyOutput{Body: wire.Verified{Payment: &answer}}, nil
}

func (s *server) challenge(ctx context.Context, id string, kind payment.VerifyKind) (*verifyOutput, error) {
	var started verification.Started
	var err error
	switch kind {
	case payment.BySMS:
		started, err = s.verifier.StartSMS(ctx, id)
	case payment.ByFace:
		started, err = s.verifier.StartFace(ctx, id)
	default:
		err = payment.Problem{Code: payment.CodeVerifyKind, Field: "kind", Text: "a verification is sms or face"}
	}
	if err != nil {
		return nil, err
	}
	return &verifyOutput{Body: wire.Verified{Challenge: &wire.Challenge{ChallengeID: started.Challenge,
		Kind: kind, ExpiresAt: started.ExpiresAt.UTC(), VerifyID: started.VerifyID}}}, nil
}
