package dbosarm

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/workflows"
)

// What a payment and the API tell each other by.
const (
	eventBegun   = "begun"
	topicChannel = workflows.SignalChannelEvent
)

// attemptNo is the number of a payment's only attempt.
const attemptNo = 1

// order is a payment's input. At is when it was started: a workflow that is
// run again has to come to the same deadline, and to send the channel the very
// same request.
type order struct {
	Request payment.Request `json:"request"`
	At      time.Time       `json:"at"`
}

// begun is what a start is answered with: an Answer, or why there is none.
type begun struct {
	Answer  payment.Answer   `json:"answer"`
	Problem *payment.Problem `json:"problem,omitempty"`
}

// notice is a verified notification and when it came in.
type notice struct {
	Event channel.Event `json:"event"`
	At    time.Time     `json:"at"`
}

// payments has the steps of the workflow.
type payments struct {
	books    *activities.Books
	channels *activities.Channels
	his      *activities.HIS
	backend  *activities.Backend
}

func newPayments(in *installation.Installation) *payments {
	registerErrors()
	return &payments{
		books:    &activities.Books{Store: in.Store, Hospitals: in.Hospitals},
		channels: &activities.Channels{Store: in.Store, Hospitals: in.Hospitals, Clock: time.Now},
		his:      &activities.HIS{Store: unlined{in.Store}, Hospitals: in.Hospitals, Clock: time.Now},
		backend: &activities.Backend{Store: in.Store, Hospitals: in.Hospitals, Clock: time.Now, HTTP: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
	}
}

// unlined is the books without a line in front of the HIS. The line looks at the
// present try's number in Temporal's context, which is not there, once eight
// older payments wait; that happens after an outage, which this arm leaves out.
// The books are asked all the same, so that a registration costs what it does.
type unlined struct{ *store.Store }

// LineBefore asks and answers that nobody is ahead.
func (u unlined) LineBefore(ctx context.Context, paymentID string, before time.Time) (store.Line, error) {
	_, err := u.Store.LineBefore(ctx, paymentID, before)
	return store.Line{}, err
}

// pay is a payment without trouble, from the order's confirmation to the
// booking backend's knowing of its end.
func (p *payments) pay(ctx dbos.Context, o order) (workflows.Result, error) {
	answer, pending, err := p.charge(ctx, o)
	if err != nil {
		return workflows.Result{}, refuse(ctx, err)
	}
	if err := dbos.SetEvent(ctx, eventBegun, begun{Answer: answer}); err != nil {
		return workflows.Result{}, err
	}
	paid, err := captured(ctx, answer, pending, o)
	if err != nil {
		return workflows.Result{}, err
	}
	hospital := o.Request.Order.HospitalID
	settled, err := step(ctx, books, "Books.Settle", p.books.Settle, activities.SettleIn{
		HospitalID: hospital, PaymentID: answer.PaymentID, Attempt: attemptNo, Channel: answer.Tender.Channel,
		Report: *paid.Event.Charge, At: paid.At, Actor: "workflow", Next: payment.Paid,
	})
	if err != nil {
		return workflows.Result{}, err
	}
	registered, err := step(ctx, hospitals, "HIS.Register", p.his.Register, activities.RegisterIn{
		PaymentID: answer.PaymentID, Order: o.Request.Order, PaidAt: paid.At, Voucher: settled.Voucher,
		Completes: o.Request.CallbackURL == "",
	})
	if err != nil {
		return workflows.Result{}, err
	}
	_, err = step(ctx, backend, "Backend.Tell", p.backend.Tell, activities.TellIn{
		PaymentID: answer.PaymentID, HospitalID: hospital, URL: o.Request.CallbackURL, Settled: registered.Completed,
	})
	return workflows.Result{
		PaymentID: answer.PaymentID, Status: payment.Completed, Voucher: settled.Voucher, AppointmentID: registered.AppointmentID,
	}, err
}

// charge opens the payment in the books and asks the channel for the charge. It
// returns what the patient needs and what the channel said of the charge.
func (p *payments) charge(ctx dbos.Context, o order) (payment.Answer, channel.Report, error) {
	r := o.Request
	tender, err := onlyTender(r)
	if err != nil {
		return payment.Answer{}, channel.Report{}, err
	}
	id, deadline := payment.ID(r.Order.HospitalID, r.Order.OrderNo), r.Deadline(o.At)
	opened, err := step(ctx, books, "Books.Open", p.books.Open, activities.OpenIn{
		Request: r, PaymentID: id, WorkflowID: workflows.PaymentWorkflowID(r.Order.HospitalID, r.Order.OrderNo),
		At: o.At, Deadline: deadline, First: payment.Pending,
	})
	switch {
	case err != nil:
		return payment.Answer{}, channel.Report{}, err
	case opened.Refused() || opened.Review():
		return payment.Answer{}, channel.Report{}, payment.Problem{Code: payment.CodeState, Text: "the risk rules object: " + opened.Rule}
	}
	asked, err := step(ctx, channels, "Channels.Charge", p.channels.Charge, activities.ChargeIn{
		PaymentID: id, Order: r.Order, Choice: r.Choice, Tender: tender, Attempt: attemptNo,
		CreatedAt: o.At, ExpiresAt: deadline, Next: payment.AwaitingPayment,
	})
	return payment.Answer{
		PaymentID: id, Status: payment.AwaitingPayment, Method: r.Choice.Method, Amount: r.Order.Amount,
		PayBy: deadline, Digest: r.Digest(),
		Tender: &payment.NextTender{
			Channel: tender.Channel, Scene: tender.Scene, Amount: tender.Amount,
			MerchantNo: payment.MerchantNo(r.Order.OrderNo, attemptNo), Pay: asked.Pay,
		},
	}, asked.Report, err
}

// onlyTender is what a payment by one channel that the patient pays on is made
// of; others are not known here.
func onlyTender(r payment.Request) (payment.Tender, error) {
	all := r.Choice.Tenders(r.Order.Amount)
	if len(all) != 1 || all[0].Channel == payment.Insurance {
		return payment.Tender{}, payment.Problem{Code: payment.CodeMethod, Field: "choice.method", Text: "this engine knows one channel at a time, without the insurance"}
	}
	return all[0], nil
}

// captured waits for the notification that the money is in, until the payment's
// deadline. Others are passed over.
func captured(ctx dbos.Context, a payment.Answer, known channel.Report, o order) (notice, error) {
	n := notice{Event: channel.Event{Charge: &known}, At: o.At}
	for {
		if r := n.Event.Charge; r != nil && r.State == channel.Captured && (r == &known || r.MerchantNo == a.Tender.MerchantNo) {
			if !activities.SameMoney(*r, a.Tender.Amount) {
				return n, errors.New("another amount came in than was asked for")
			}
			return n, nil
		}
		var err error
		if n, err = dbos.Recv[notice](ctx, topicChannel, time.Until(a.PayBy)); err != nil {
			return n, err
		}
	}
}

// refuse answers the start of a payment that never came to a charge.
func refuse(ctx dbos.Context, err error) error {
	var problem payment.Problem
	if errors.Is(err, dbos.ErrWorkflowCancelled) || !errors.As(err, &problem) {
		return err
	}
	return errors.Join(err, dbos.SetEvent(ctx, eventBegun, begun{Problem: &problem}))
}
