package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// patience is how long a step may take. What nobody tells is asked for after a
// minute of silence.
const patience = 150 * time.Second

// stage is where lives are played.
type stage struct {
	in       *local.Installation
	temporal client.Client // without a key
	backend  *backend
}

// play is one life while it is played. Its steps run one after the other.
type play struct {
	stage
	person scenario.Person
	start  wire.Start
	answer wire.Answer
	cases  map[string]bool // decided ones
}

// step is something that the patient, the staff or a counterparty does, or the
// wait for something to be so.
type step func(context.Context, *play) error

// orderNo is the same at every recording, so that it names the life.
func (l life) orderNo() string { return "H" + strings.ToUpper(strings.ReplaceAll(l.name, "-", "")) }

// person is the life's patient, the same at every recording. The files are
// for everybody, so the numbers are ones that nobody has: the identity card's division
// is a whole city, which no card is of, and the phone's is of no operator.
func (l life) person() scenario.Person {
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(l.name)) // never fails
	p := scenario.Invent(rand.New(rand.NewPCG(seed.Sum64(), 0)))
	card := "110100" + p.IDNumber[6:17]
	p.IDNumber = card + string(payment.IDCardCheck(card))
	p.Phone = "154" + p.Phone[3:]
	return p
}

func (s stage) play(ctx context.Context, l life) error {
	p := &play{stage: s, person: l.person(), cases: map[string]bool{}}
	c, err := l.choose(ctx, s.in, p.person)
	if err != nil {
		return err
	}
	p.start = scenario.NewStart(hospital, p.person, c)
	p.start.Order.OrderNo, p.start.Order.Slot.ID = l.orderNo(), "slot-"+l.orderNo()
	p.start.CallbackURL = s.backend.url(l.orderNo())
	for _, change := range l.change {
		change(&p.start)
	}
	for i, do := range l.steps {
		if err := p.take(ctx, do); err != nil {
			return fmt.Errorf("step %d of %d: %w", i+1, len(l.steps), err)
		}
	}
	return nil
}

func (p *play) take(ctx context.Context, do step) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return do(ctx, p)
}

func (p *play) order() string { return p.start.Order.OrderNo }
func (p *play) id() string    { return payment.ID(hospital, p.order()) }

func (p *play) wait(ctx context.Context, what string, holds func() (bool, error)) error {
	if err := scenario.Wait(ctx, holds); err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

func (p *play) waitFor(ctx context.Context, what string, holds func(wire.Payment) bool) error {
	return p.wait(ctx, what, func() (bool, error) {
		now, err := p.in.API.Payment(ctx, p.id(), false)
		return err == nil && holds(now), err
	})
}

func begin(ctx context.Context, p *play) error {
	answer, replayed, err := p.in.API.Start(ctx, p.start)
	if err == nil && replayed {
		err = errors.New("the order was there before")
	}
	p.answer = answer
	return err
}

// until waits for one of the states.
func until(states ...payment.Status) step {
	return func(ctx context.Context, p *play) error {
		_, err := scenario.Until(ctx, p.in, p.id(), states...)
		return err
	}
}

// returned waits until so much has gone back, in fen.
func returned(fen int64) step {
	return func(ctx context.Context, p *play) error {
		return p.waitFor(ctx, "the money to go back", func(now wire.Payment) bool { return now.RefundedFen == fen })
	}
}
