package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	"github.com/regpay/regpay/workflows"
)

const operator = "li.hua"

// What the patient does.

func pay(ctx context.Context, p *play) error { return scenario.Pay(ctx, p.in, p.answer, sandbox.Pay) }

// payTwice pays, and once more.
func payTwice(ctx context.Context, p *play) error {
	return scenario.Pay(ctx, p.in, p.answer, sandbox.PayTwice)
}

// prove answers a code by SMS.
func prove(ctx context.Context, p *play) (err error) {
	p.answer, err = scenario.Prove(ctx, p.in, p.answer)
	return err
}

// instruct says what becomes of the n-th charge, also before it exists.
func instruct(ch payment.Channel, n int, do sandbox.Behaviour) step {
	return func(ctx context.Context, p *play) error {
		return p.in.Sandbox.Instruct(ctx, sandbox.Instruction{
			Channel: string(ch), Hospital: hospital, MerchantNo: payment.MerchantNo(p.order(), n), Behaviour: do})
	}
}

func cancel(ctx context.Context, p *play) error {
	_, err := p.in.API.Cancel(ctx, p.id(), wire.Cancel{Reason: "changed_mind"})
	return err
}

// tryCancel cancels where the channel may need longer than the API waits.
func tryCancel(ctx context.Context, p *play) error { return started(cancel(ctx, p)) }

func choose(c choice) step {
	return func(ctx context.Context, p *play) error {
		other, err := c(ctx, p.in, p.person)
		if err != nil {
			return err
		}
		p.answer, err = p.in.API.ChangeMethod(ctx, p.id(), other)
		return err
	}
}

// tryChoose is choose where the channel may need longer than the API waits.
func tryChoose(c choice) step {
	return func(ctx context.Context, p *play) error { return started(choose(c)(ctx, p)) }
}

// started lets pass that the answer did not come in time: the wish was taken.
func started(err error) error {
	var problem *wire.Problem
	if errors.As(err, &problem) && problem.Code == "unavailable" {
		return nil
	}
	return err
}

// What the backend and the staff do.

func refund(key string, fen int64) step {
	return func(ctx context.Context, p *play) error {
		_, err := p.in.API.Refund(ctx, p.id(), wire.RefundOrder{Key: key, AmountFen: fen, Reason: "visit_cancelled"})
		return err
	}
}

// deaf has the backend refuse the next messages about the order.
func deaf(times int) step {
	return func(_ context.Context, p *play) error {
		p.backend.refuse(p.order(), times)
		return nil
	}
}

// told waits until the backend has taken so many messages about the order.
func told(times int) step {
	return func(ctx context.Context, p *play) error {
		return p.wait(ctx, "the backend to be told", func() (bool, error) { return p.backend.told(p.order()) >= times, nil })
	}
}

// nextCase waits for a case that is not decided.
func nextCase(ctx context.Context, p *play) error {
	return p.waitFor(ctx, "a case", func(now wire.Payment) bool { return now.Case != nil && !p.cases[now.Case.CaseID] })
}

func decide(v payment.Verdict) step {
	return func(ctx context.Context, p *play) error {
		id, err := p.open(ctx)
		if err != nil {
			return err
		}
		d := wire.Decision{CaseID: id, Decision: v, Operator: operator, Note: "looked into it"}
		if v.NeedsReference() {
			d.Reference = "REFERENCE0001"
		}
		_, err = p.in.Staff.Decide(ctx, p.id(), d)
		return err
	}
}

// signalled is decide as an operator does it in Temporal's UI: plain JSON, with
// nobody's key. A decision on another case comes first, which is refused.
func signalled(v payment.Verdict) step {
	return func(ctx context.Context, p *play) error {
		id, err := p.open(ctx)
		if err != nil {
			return err
		}
		for _, caseID := range []string{"not-the-case", id} {
			d := payment.Decision{CaseID: caseID, Verdict: v, Operator: operator, Note: "by hand"}
			if err := p.temporal.SignalWorkflow(ctx, workflows.PaymentWorkflowID(hospital, p.order()), "", workflows.SignalManualReview, d); err != nil {
				return err
			}
		}
		return nil
	}
}

// open is the id of the open case, which counts as decided from now on.
func (p *play) open(ctx context.Context) (string, error) {
	now, err := p.in.API.Payment(ctx, p.id(), false)
	if err != nil {
		return "", err
	}
	if now.Case == nil {
		return "", fmt.Errorf("no case is open; the payment is %s", now.Status)
	}
	p.cases[now.Case.CaseID] = true
	return now.Case.CaseID, nil
}

// block puts the patient on the block list.
func block(ctx context.Context, p *play) error {
	books, err := p.in.Books(ctx)
	if err != nil {
		return err
	}
	return books.Block(ctx, hospital, p.person.IDNumber, "resells slots", operator, time.Now())
}

// What the counterparties do.

func breaks(counterparty string, f sandbox.FaultSpec) step {
	return func(ctx context.Context, p *play) error { return p.in.Sandbox.SetFaults(ctx, counterparty, f) }
}

func heals(counterparty string) step {
	return func(ctx context.Context, p *play) error { return p.in.Sandbox.Heal(ctx, counterparty) }
}

// beginDuring begins while a counterparty is broken, and heals it once that
// was felt.
func beginDuring(counterparty, fault string) step {
	return func(ctx context.Context, p *play) error {
		begun := make(chan error, 1)
		go func() { begun <- begin(ctx, p) }()
		felt := p.wait(ctx, "the fault to be felt", func() (bool, error) {
			f, err := p.in.Sandbox.Faults(ctx, counterparty)
			return f.Injected[fault] > 1, err
		})
		return errors.Join(felt, heals(counterparty)(ctx, p), <-begun)
	}
}

// withdrawSlot has the HIS refuse the registration.
func withdrawSlot(ctx context.Context, p *play) error {
	return p.in.Sandbox.WithdrawSlot(ctx, p.start.Order.Slot.ID)
}

// settles gives the n-th charge, which the insurance has, its result.
func settles(n, result int) step {
	return func(ctx context.Context, p *play) error {
		return p.wait(ctx, "the platform to have the order", func() (bool, error) {
			err := p.in.Sandbox.SettleInsurance(ctx, hospital, payment.MerchantNo(p.order(), n), result)
			return err == nil, err
		})
	}
}

// charged waits until a channel has a charge of the order; captured, until the
// money is in.
func charged(ch payment.Channel) step { return inBooks(ch, "") }
func captured(ch payment.Channel) step {
	return inBooks(ch, sandbox.ChargeCaptured)
}

func inBooks(ch payment.Channel, state sandbox.ChargeState) step {
	return func(ctx context.Context, p *play) error {
		return p.wait(ctx, "a charge in the books of "+string(ch), func() (bool, error) {
			b, err := p.in.Sandbox.Books(ctx)
			book := map[payment.Channel]sandbox.BookSnapshot{payment.WeChat: b.WeChat, payment.UnionPay: b.UnionPay, payment.Insurance: b.Insurance}[ch]
			for _, c := range book.Charges {
				order, _, ok := payment.SplitMerchantNo(c.MerchantNo)
				if ok && order == p.order() && (state == "" || c.State == state) {
					return true, err
				}
			}
			return false, err
		})
	}
}

// refundEnds says how the n-th refund ends at WeChat Pay, also before it is
// asked for.
func refundEnds(n int, status string) step {
	return func(ctx context.Context, p *play) error {
		url := p.in.SandboxAdmin + "/wechat/refunds/" + payment.RefundNo(p.order(), n)
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader([]byte(`{"status":"`+status+`"}`)))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		reply, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<10))
		if reply.StatusCode != http.StatusOK {
			return fmt.Errorf("set the end of refund %d: status %d: %s", n, reply.StatusCode, text)
		}
		return err
	}
}
