package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// prepare tells the counterparties what is going to happen with this order.
func (p *play) prepare(ctx context.Context) error {
	if p.SlotGone {
		if err := p.in.Sandbox.WithdrawSlot(ctx, p.Slot.ID); err != nil {
			return err
		}
	}
	if p.Insurance != insuranceFails && p.Insurance != insuranceUnclear {
		return nil
	}
	do := sandbox.Fail
	if p.Insurance == insuranceUnclear {
		do = sandbox.Abandon // left to the platform's staff
	}
	return p.in.Sandbox.Instruct(ctx, sandbox.Instruction{Channel: string(payment.Insurance), Hospital: p.Hospital,
		MerchantNo: payment.MerchantNo(p.order, p.insuranceAttempt()), Behaviour: do})
}

// authorise gets the patient's consent for a choice that uses the insurance.
// A consent that the platform will refuse is somebody else's.
func (p *play) authorise(ctx context.Context, c *wire.Choice) error {
	if !usesInsurance(*c) {
		return nil
	}
	who := p.person()
	if p.Insurance == insuranceRefuses {
		who.PsnNo += "0"
	}
	a, err := p.in.Sandbox.Authorise(ctx, p.Hospital, who.PsnNo, who.IDNumber)
	// Both forms of the credential are in use.
	if c.PayAuthNo = a.PayAuthNo; p.Verify == byFace {
		c.PayAuthNo, c.ECToken = "", a.ECToken
	}
	return err
}

// act is the patient from the API's answer on.
func (p *play) act(ctx context.Context, a wire.Answer) error {
	a, err := p.prove(ctx, a)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	p.acted = p.Behaviour != neverPays
	switch p.Behaviour {
	case neverPays:
		return nil
	case cancels:
		if err := pause(ctx, p.After); err != nil {
			return err
		}
		_, err := p.in.API.Cancel(ctx, a.PaymentID, wire.Cancel{Reason: "patient_changed_mind"})
		return wrap("cancel", err)
	case changes:
		if err := pause(ctx, p.After); err != nil {
			return err
		}
		return p.change(ctx)
	case failsThenChange, failsThenPays:
		return p.tryAgain(ctx, a)
	case paysLate:
		// The sandbox's answer to this is no error of the demo's: by then the
		// order may be closed, which is the point.
		return p.pay(ctx, a, sandbox.PayLate, p.After)
	case paysTwice:
		return p.pay(ctx, a, sandbox.PayTwice, p.After)
	}
	if err := p.pay(ctx, a, sandbox.Pay, p.After); err != nil {
		return err
	}
	return p.muddle(ctx)
}

// pay lets the patient act on what the API returned. With the insurance alone
// there is nothing to do: their authorisation is what pays.
func (p *play) pay(ctx context.Context, a wire.Answer, do sandbox.Behaviour, after time.Duration) error {
	if a.Tender == nil {
		if a.Status == payment.AwaitingPayment {
			return errors.New("pay: the answer has nothing to pay")
		}
		return nil
	}
	return wrap("pay", p.in.Sandbox.PayTender(ctx, *a.Tender, do, after))
}

// tryAgain fails at the first try, and then pays: in another way, or the same.
func (p *play) tryAgain(ctx context.Context, a wire.Answer) error {
	if err := p.pay(ctx, a, sandbox.Fail, 0); err != nil {
		return err
	}
	if err := pause(ctx, p.After); err != nil {
		return err
	}
	if p.Behaviour == failsThenChange {
		return p.change(ctx)
	}
	return p.pay(ctx, a, sandbox.Pay, p.After)
}

// change pays by the other method.
func (p *play) change(ctx context.Context) error {
	choice := *p.Then
	if err := p.authorise(ctx, &choice); err != nil {
		return fmt.Errorf("authorise: %w", err)
	}
	a, err := p.in.API.ChangeMethod(ctx, p.out.paymentID, choice)
	if err != nil {
		return fmt.Errorf("change the method: %w", err)
	}
	if a, err = p.prove(ctx, a); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return p.pay(ctx, a, sandbox.Pay, p.After)
}

// muddle leaves the insurance's clearing unclear, as soon as it has begun.
func (p *play) muddle(ctx context.Context) error {
	if p.Insurance != insuranceUnclear {
		return nil
	}
	no := payment.MerchantNo(p.order, p.insuranceAttempt())
	for {
		err := p.in.Sandbox.SettleInsurance(ctx, p.Hospital, no, local.InsuranceUnclear)
		if err == nil {
			return nil
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("leave the clearing unclear: %w", err)
		}
	}
}

// prove answers the verification, when one is asked for and the patient does.
func (p *play) prove(ctx context.Context, a wire.Answer) (wire.Answer, error) {
	if a.Status != payment.Verifying || p.Verify == neverProves {
		return a, nil
	}
	switch p.Verify {
	case byFace:
		return proved(p.in.AnswerFace(ctx, a.PaymentID, "success"))
	case wrongFaceThenSMS:
		_, err := p.in.AnswerFace(ctx, a.PaymentID, "mismatch")
		if err := wantRefusal("a face that does not match", err); err != nil {
			return a, err
		}
	case wrongCodeFirst:
		return p.proveAtSecondTry(ctx, a)
	}
	return proved(p.in.AnswerSMS(ctx, p.Hospital, a.PaymentID))
}

// proveAtSecondTry mistypes the code once.
func (p *play) proveAtSecondTry(ctx context.Context, a wire.Answer) (wire.Answer, error) {
	started, err := p.in.API.Verify(ctx, a.PaymentID, wire.Verification{Kind: payment.BySMS})
	if err != nil {
		return a, err
	}
	if started.Challenge == nil {
		return a, local.ErrNoCode
	}
	code, err := p.in.Sandbox.SMSCode(ctx, p.Hospital, started.Challenge.ChallengeID)
	if err != nil {
		return a, err
	}
	answer := wire.Verification{Kind: payment.BySMS, ChallengeID: started.Challenge.ChallengeID, Code: mistyped(code)}
	_, err = p.in.API.Verify(ctx, a.PaymentID, answer)
	if err := wantRefusal("a wrong code", err); err != nil {
		return a, err
	}
	answer.Code = code
	return proved(p.in.API.Verify(ctx, a.PaymentID, answer))
}

// mistyped changes the last digit.
func mistyped(code string) string {
	b := []byte(code)
	if n := len(b); n > 0 {
		b[n-1] = '0' + (b[n-1]-'0'+1)%10
	}
	return string(b)
}

func proved(v wire.Verified, err error) (wire.Answer, error) {
	if err != nil {
		return wire.Answer{}, err
	}
	if v.Payment == nil {
		return wire.Answer{}, errors.New("the proof was not answered with the payment")
	}
	return *v.Payment, nil
}

// wantRefusal is nil when the API refused a proof that does not hold.
func wantRefusal(what string, err error) error {
	var problem *wire.Problem
	switch {
	case err == nil:
		return errors.New(what + " was accepted")
	case errors.As(err, &problem) && problem.Code == payment.CodeVerification:
		return nil
	}
	return fmt.Errorf("%s was not refused: %w", what, err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
