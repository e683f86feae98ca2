package activities

import (
	"context"
	"errors"
	"time"

	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Proofs are the steps that check who the patient is.
type Proofs struct {
	Store     Store
	Hospitals Hospitals
}

// CheckIn is a patient's answer to a challenge.
type CheckIn struct {
	PaymentID string
	Patient   payment.Patient
	Proof     payment.Proof
	At        time.Time
}

// Check accepts a proof or returns a Problem that says what is wrong with it.
// The face service's own answer counts, never the app's word for it.
func (p *Proofs) Check(ctx context.Context, in CheckIn) (None, error) {
	switch in.Proof.Kind {
	case payment.BySMS:
		return None{}, boundary(p.Store.AnswerSMS(ctx, in.PaymentID, in.Proof.Challenge, in.Proof.Code, in.At))
	case payment.ByFace:
		return None{}, boundary(p.checkFace(ctx, in))
	}
	return None{}, boundary(payment.Problem{Code: payment.CodeVerifyKind, Field: "kind", Text: "the verification is sms or face"})
}

func (p *Proofs) checkFace(ctx context.Context, in CheckIn) error {
	challenge, err := p.Store.Challenge(ctx, in.Proof.Challenge)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || challenge.PaymentID != in.PaymentID || challenge.Kind != payment.ByFace {
		return payment.Problem{Code: payment.CodeVerification, Field: "challenge", Text: "the challenge is not of this payment"}
	}
	face, err := p.Hospitals.Face(challenge.HospitalID)
	if err != nil {
		return err
	}
	result, err := face.Result(ctx, identity.FaceTicket{VerifyID: challenge.VerifyID, ExpiresAt: challenge.ExpiresAt}, identity.FaceStart{
		OutSeqNo: challenge.OutSeqNo, Name: in.Patient.Name, IDNumber: in.Patient.IDNumber, OpenID: in.Patient.OpenID,
	})
	if err != nil {
		return err
	}
	if result != identity.FacePassed {
		return payment.Problem{Code: payment.CodeVerification, Field: "challenge", Text: "the face check says " + string(result)}
	}
	return p.Store.PassFace(ctx, in.PaymentID, in.Proof.Challenge, in.At)
}
