package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// Fee is what a registration costs here, in fen; Insured is the insurance's
// part of a mixed one.
const (
	Fee     int64 = 5000
	Insured int64 = 3500
)

// NewStart is a person's request to pay a new order at a hospital.
func NewStart(hospital string, p Person, c wire.Choice) wire.Start {
	no := "T" + strings.ToUpper(hexOf(chance{}, 7))
	return wire.Start{
		Order: wire.Order{
			HospitalID: hospital, OrderNo: no,
			Slot: wire.Slot{ID: "slot-" + no, Department: "心内科", Doctor: "张医生",
				StartsAt: time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)},
			Fees: []wire.Fee{
				{Code: "110200001", Name: "挂号费", AmountFen: 1000},
				{Code: "110200002", Name: "诊查费", AmountFen: Fee - 1000},
			},
			AmountFen: Fee, Patient: p.Patient(),
		},
		Choice: c, PayWithinSeconds: 600,
	}
}

// The ways to pay that need nothing but the choice.
func WeChat(s payment.Scene) wire.Choice   { return wire.Choice{Method: payment.ByWeChat, Scene: s} }
func UnionPay(s payment.Scene) wire.Choice { return wire.Choice{Method: payment.ByUnionPay, Scene: s} }

// Insurance is the choice of a person who has just consented to it.
func Insurance(ctx context.Context, in *local.Installation, hospital string, p Person) (wire.Choice, error) {
	consent, err := in.Sandbox.Authorise(ctx, hospital, p.PsnNo, p.IDNumber)
	if err != nil {
		return wire.Choice{}, fmt.Errorf("consent to the insurance: %w", err)
	}
	return wire.Choice{Method: payment.ByInsurance, PayAuthNo: consent.PayAuthNo}, nil
}

// Mixed has the insurance pay its part and the patient the rest, by a channel.
func Mixed(ctx context.Context, in *local.Installation, hospital string, p Person, ch payment.Channel, s payment.Scene) (wire.Choice, error) {
	c, err := Insurance(ctx, in, hospital, p)
	c.Method, c.SelfPay, c.Scene, c.InsuranceAmountFen = payment.ByMixed, ch, s, Insured
	return c, err
}
