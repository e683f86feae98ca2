package main

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// Codes of the national list of charge items, as a hospital's price list has
// them.
const (
	feeRegistration = "110100001"
	feeConsultation = "110200001"
)

// china is the hospitals' time zone: UTC+8 all year.
func china() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

// orderNo makes the file's number unique among all days that were ever played:
// two of them may use one Temporal.
func (r registration) orderNo(opened time.Time) string {
	return opened.In(china()).Format("060102150405") + r.No
}

// startsAt is the slot's time, counted from the day that is played.
func (r registration) startsAt(opened time.Time) time.Time {
	d := opened.In(china())
	return time.Date(d.Year(), d.Month(), d.Day()+r.Day, r.Hour, r.Minute, 0, 0, china())
}

func (r registration) amount() int64 { return r.Registration + r.Consultation }

// person is what the booking app knows of a patient beyond the hospital's
// export, derived so that it stays the same from day to day.
func (r registration) person() wire.Patient {
	p := r.Patient
	sum := sha256.Sum256([]byte("demo patient " + p.IDNumber))
	alias := hex.EncodeToString(sum[:])
	if r.Choice.Scene == payment.JSAPI || r.Verify == byFace || r.Verify == wrongFaceThenSMS {
		p.OpenID = "oDemo" + alias[:23]
	}
	if p.IDType == payment.IDCard {
		p.City = p.IDNumber[:6]
		p.PsnNo = p.City + alias[:20]
	}
	return p
}

// start is the request with which the booking backend opens the payment.
func (r registration) start(opened time.Time, callback string) wire.Start {
	slot := r.Slot
	slot.StartsAt = r.startsAt(opened)
	return wire.Start{
		Order: wire.Order{
			HospitalID: r.Hospital, OrderNo: r.orderNo(opened), Slot: slot, AmountFen: r.amount(),
			Fees: []wire.Fee{
				{Code: feeRegistration, Name: "挂号费", AmountFen: r.Registration},
				{Code: feeConsultation, Name: "诊查费", AmountFen: r.Consultation},
			},
			Patient: r.person(),
		},
		Choice: r.Choice, CallbackURL: callback, PayWithinSeconds: int64(r.PayWithin / time.Second),
	}
}

// insuranceAttempt is the number of the charge that the insurance is asked for
// when all goes as planned: the second one of a mixed payment.
func (r registration) insuranceAttempt() int {
	if r.Choice.Method == payment.ByMixed {
		return 2
	}
	return 1
}

func usesInsurance(c wire.Choice) bool {
	return c.Method == payment.ByInsurance || c.Method == payment.ByMixed
}
