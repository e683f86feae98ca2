package plain

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// start takes POST /v1/payments: it writes the payment down, asks the channel
// for the charge, and answers with what the patient needs.
func (a *arm) start(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), api.DefaultTimeout)
	defer cancel()
	req, err := a.request(ctx, w, r)
	if err != nil {
		a.refuse(w, err)
		return
	}
	answer, fresh, err := a.begin(ctx, req)
	if err != nil {
		a.refuse(w, err)
		return
	}
	status := http.StatusCreated
	if !fresh {
		status = http.StatusOK
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.Header().Set("Location", "/v1/payments/"+answer.PaymentID)
	reply(w, status, answer)
}

// request reads a request that may be served, or returns a problem.
func (a *arm) request(ctx context.Context, w http.ResponseWriter, r *http.Request) (payment.Request, error) {
	key, err := a.keys.lookup(ctx, r.Header.Get("Authorization"))
	if err != nil {
		return payment.Request{}, err
	}
	var body wire.Start
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, api.MaxBody))
	d.DisallowUnknownFields()
	if d.Decode(&body) != nil {
		return payment.Request{}, errMalformed
	}
	req := body.Request()
	switch {
	case !may(key, req.Order.HospitalID):
		return req, payment.Problem{Code: payment.CodeHospital, Field: "order.hospital_id", Text: "not a hospital of this key"}
	case req.Choice.Method != payment.ByWeChat:
		return req, payment.Problem{Code: payment.CodeMethod, Field: "choice.method", Text: "wechat alone is taken here"}
	}
	return req, req.Check(time.Now())
}

// begin opens the payment, or joins the one that is there, and asks the channel.
func (a *arm) begin(ctx context.Context, req payment.Request) (_ wire.Answer, fresh bool, err error) {
	hospital, order := req.Order.HospitalID, req.Order.OrderNo
	client, err := a.Hospitals.Channel(hospital, payment.WeChat)
	if err != nil {
		return wire.Answer{}, false, err
	}
	now := stamp(time.Now())
	index := a.Store.RequestIndex(req.Digest())
	p, fresh, err := a.books.open(ctx, row{hospital: hospital, order: order, state: payment.AwaitingPayment,
		amount: req.Order.Amount.Minor(), index: index, created: now, payBy: stamp(req.Deadline(now))}, req)
	switch {
	case err != nil:
		return wire.Answer{}, false, err
	case p.index != index:
		return wire.Answer{}, false, errConflict
	case p.state != payment.AwaitingPayment:
		return answer(p, req.Choice.Scene, nil), false, nil
	}
	charge := chargeOf(p, req)
	charge.Repeat = !fresh
	prepaid, err := client.Prepay(ctx, charge)
	if err != nil {
		a.Log.Warn("a charge could not be asked for", zap.String("payment", charge.PaymentID), zap.String("code", payment.CodeOf(err)))
		return wire.Answer{}, false, err
	}
	return answer(p, req.Choice.Scene, prepaid.Pay), fresh, nil
}

// chargeOf is the payment's one charge, the same at every repeat.
func chargeOf(p row, req payment.Request) channel.Charge {
	o := req.Order
	return channel.Charge{
		HospitalID: p.hospital, PaymentID: payment.ID(p.hospital, p.order), OrderNo: p.order,
		Attempt: attempt, MerchantNo: payment.MerchantNo(p.order, attempt),
		Channel: payment.WeChat, Scene: req.Choice.Scene, Amount: o.Amount, Total: o.Amount,
		Description: "预约挂号", CreatedAt: p.created, ExpiresAt: p.payBy,
		Slot: o.Slot, Fees: o.Fees, Payer: o.Patient,
	}
}

// answer says where a payment stands. Without pay there is nothing to be paid:
// it is over, or the channel has the money and its notification is on the way.
func answer(p row, scene payment.Scene, pay payment.PayParams) wire.Answer {
	amount := money.Fen(p.amount)
	a := payment.Answer{PaymentID: payment.ID(p.hospital, p.order), Status: p.state, Method: payment.ByWeChat,
		Amount: amount, PayBy: p.payBy}
	if len(pay) > 0 {
		a.Tender = &payment.NextTender{Channel: payment.WeChat, Scene: scene,
			MerchantNo: payment.MerchantNo(p.order, attempt), Amount: amount, Pay: pay}
	}
	return wire.AnswerOf(a, p.hospital, p.order)
}

// stamp is a time as the database keeps it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
