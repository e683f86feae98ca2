package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// PatientsOptions say how Patients are made.
type PatientsOptions struct {
	Clock      Clock
	Background *Background
	Seed       uint64
	Log        *slog.Logger
}

// Patients are the people who have been given something to pay. It is safe for
// concurrent use.
type Patients struct {
	clock      Clock
	background *Background
	seed       uint64
	log        *slog.Logger

	mu       sync.Mutex
	channels map[string]*patientChannel
}

type patientChannel struct {
	payer    Payer
	standard Default
	delays   *rand.Rand
	byNo     map[string][]*patientOrder
	byToken  map[string]*patientOrder
	waiting  map[string][]Instruction // by number or token, for orders not opened yet
}

type patientOrder struct {
	Order
	cancelDefault context.CancelFunc // nil when nothing is scheduled by default
}

// NewPatients is the only way to make them.
func NewPatients(o PatientsOptions) *Patients {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Patients{clock: o.Clock, background: o.Background, seed: o.Seed, log: o.Log, channels: map[string]*patientChannel{}}
}

// Join makes the patients of a channel act on payer's orders. initial is what
// they do until [Patients.SetDefault] says otherwise; the zero Behaviour
// abandons. A counterparty calls it in its constructor.
func (p *Patients) Join(channel string, payer Payer, initial Default) {
	if initial.Behaviour == "" {
		initial.Behaviour = Abandon
	}
	initial.Channel = channel
	p.mu.Lock()
	defer p.mu.Unlock()
	p.channels[channel] = &patientChannel{payer: payer, standard: initial, delays: newStream(p.seed, "patients/"+channel),
		byNo: map[string][]*patientOrder{}, byToken: map[string]*patientOrder{}, waiting: map[string][]Instruction{}}
}

// SetDefault replaces what patients without an instruction do with orders that
// are opened from now on. ErrUnknownChannel, ErrInstruction.
func (p *Patients) SetDefault(d Default) error {
	if !d.Behaviour.valid() || d.AfterMSP50 < 0 || d.AfterMSP95 < 0 || d.AfterMSP50 > maxFaultNumber || d.AfterMSP95 > maxFaultNumber {
		return fmt.Errorf("default of patients: %w", ErrInstruction)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.channels[d.Channel]
	if !ok {
		return fmt.Errorf("default of patients of %q: %w", d.Channel, ErrUnknownChannel)
	}
	c.standard = d
	return nil
}

// Defaults shows the defaults of every channel.
func (p *Patients) Defaults() map[string]Default {
	p.mu.Lock()
	defer p.mu.Unlock()
	defaults := make(map[string]Default, len(p.channels))
	for name, c := range p.channels {
		defaults[name] = c.standard
	}
	return defaults
}

// Opened tells the patient that there is something to pay: what was instructed
// beforehand is scheduled, else the default.
func (p *Patients) Opened(o Order) { p.opened(o, false) }

// OpenedInCall is Opened for a counterparty that can come to the end of an order
// before it answers the merchant. What the patient does without waiting is
// returned, for the caller to carry out; the rest is scheduled.
func (p *Patients) OpenedInCall(o Order) []Behaviour { return p.opened(o, true) }

func (p *Patients) opened(o Order, inCall bool) (atOnce []Behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.channels[o.Channel]
	if !ok {
		return nil
	}
	order := c.remember(o)
	acts := func(b Behaviour, after time.Duration, derive func(context.Context) (context.Context, context.CancelFunc)) context.CancelFunc {
		if inCall && after <= 0 && b != Abandon {
			atOnce = append(atOnce, b)
			return nil
		}
		return p.schedule(c.payer, o, b, after, derive)
	}
	instructions := c.takeWaiting(o)
	for _, in := range instructions {
		acts(in.Behaviour, time.Duration(in.AfterMS)*time.Millisecond, nil)
	}
	if len(instructions) > 0 {
		return atOnce
	}
	behaviour, after := c.decideDefault()
	order.cancelDefault = acts(behaviour, after, context.WithCancel)
	return atOnce
}

// Instruct schedules an instruction, now or when its order is opened.
// ErrUnknownChannel, ErrInstruction, ErrAmbiguous.
func (p *Patients) Instruct(in Instruction) error {
	if in.Behaviour == "" {
		in.Behaviour = Pay
	}
	if !in.Behaviour.valid() || in.AfterMS < 0 || in.AfterMS > maxFaultNumber || (in.MerchantNo == "" && in.Token == "") {
		return ErrInstruction
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.channels[in.Channel]
	if !ok {
		return fmt.Errorf("instruction for %q: %w", in.Channel, ErrUnknownChannel)
	}
	orders, err := c.find(in)
	if err != nil {
		return err
	}
	if len(orders) == 0 {
		ref := in.ref()
		c.waiting[ref] = append(c.waiting[ref], in)
		return nil
	}
	for _, order := range orders {
		if order.cancelDefault != nil {
			order.cancelDefault()
			order.cancelDefault = nil
		}
	}
	newest := orders[len(orders)-1]
	p.schedule(c.payer, newest.Order, in.Behaviour, time.Duration(in.AfterMS)*time.Millisecond, nil)
	return nil
}

// schedule lets the patient act after a while; p.mu is held. derive makes a
// context that can be cancelled, for defaults.
func (p *Patients) schedule(payer Payer, o Order, behaviour Behaviour, after time.Duration,
	derive func(context.Context) (context.Context, context.CancelFunc)) context.CancelFunc {
	if behaviour == Abandon {
		return nil
	}
	cancelled, cancel := context.Background(), context.CancelFunc(nil)
	if derive != nil {
		cancelled, cancel = derive(cancelled)
	}
	p.background.Go(func(ctx context.Context) {
		waiting, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(cancelled, stop)()
		// Asked again after the wait: both may have ended at the same moment.
		if p.clock.Sleep(waiting, after) != nil || cancelled.Err() != nil {
			return
		}
		if err := payer.PatientPays(ctx, o, behaviour); err != nil {
			p.log.Info("patient could not pay", "channel", o.Channel, "merchant_no", o.MerchantNo, "behaviour", behaviour, "err", err)
		}
	})
	return cancel
}

func (c *patientChannel) remember(o Order) *patientOrder {
	order := &patientOrder{Order: o}
	c.byNo[o.MerchantNo] = append(c.byNo[o.MerchantNo], order)
	if o.Token != "" {
		c.byToken[o.Token] = order
	}
	return order
}

// takeWaiting removes and returns the instructions that waited for o.
func (c *patientChannel) takeWaiting(o Order) []Instruction {
	var taken []Instruction
	for _, ref := range []string{"no:" + o.MerchantNo, "token:" + o.Token} {
		var left []Instruction
		for _, in := range c.waiting[ref] {
			if in.Hospital == "" || in.Hospital == o.Hospital {
				taken = append(taken, in)
			} else {
				left = append(left, in)
			}
		}
		if len(left) == 0 {
			delete(c.waiting, ref)
		} else {
			c.waiting[ref] = left
		}
	}
	return taken
}

func (c *patientChannel) decideDefault() (Behaviour, time.Duration) {
	return c.standard.Behaviour, Latency{P50: c.standard.AfterMSP50, P95: c.standard.AfterMSP95}.sample(c.delays)
}

// find lists the orders that an instruction is about, the newest last.
func (c *patientChannel) find(in Instruction) ([]*patientOrder, error) {
	if in.Token != "" {
		if order, ok := c.byToken[in.Token]; ok {
			return []*patientOrder{order}, nil
		}
		return nil, nil
	}
	var found []*patientOrder
	for _, order := range c.byNo[in.MerchantNo] {
		if in.Hospital != "" && in.Hospital != order.Hospital {
			continue
		}
		if len(found) > 0 && found[0].Hospital != order.Hospital {
			return nil, ErrAmbiguous
		}
		found = append(found, order)
	}
	return found, nil
}

func (in Instruction) ref() string {
	if in.Token != "" {
		return "token:" + in.Token
	}
	return "no:" + in.MerchantNo
}
