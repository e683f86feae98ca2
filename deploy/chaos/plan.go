package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/payment"
)

// Hospitals of the run: WeChat Pay has its public key at the first one and its
// certificates at the second.
func hospitals() []string { return []string{"h-renmin", "h-xiehe"} }

// plan is everything that is going to happen, drawn from a seed.
type plan struct {
	Seed     uint64
	Payments []registration
	Faults   []fault
}

// fingerprint tells plans apart: the same seed and size have the same one.
func (p plan) fingerprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", p))
	return hex.EncodeToString(sum[:6])
}

// conduct is what the people of a registration do.
type conduct string

const (
	pays          conduct = "pays"
	paysAndLeaves conduct = "pays, closes the app"
	paysLate      conduct = "pays late"
	paysTwice     conduct = "pays twice"
	neverPays     conduct = "never pays"
	cancels       conduct = "cancels"
	cancelsPaid   conduct = "pays and cancels at once"
	changes       conduct = "changes the method"
	changesPaid   conduct = "pays and changes at once"
	failsFirst    conduct = "fails, then pays"
	returnsAll    conduct = "pays, wants all back later"
	returnsPart   conduct = "pays, wants a part back later"
	slotGone      conduct = "pays, the slot is gone"
	settlesFail   conduct = "the insurance refuses"
	settlesDoubt  conduct = "the insurance asks for a person"
)

// way is how the patient chose to pay.
type way struct {
	Method  payment.Method
	SelfPay payment.Channel // of a mixed one
	Scene   payment.Scene
}

func (w way) insured() bool { return w.Method == payment.ByInsurance || w.Method == payment.ByMixed }

// channels that the way uses.
func (w way) channels() []payment.Channel {
	switch w.Method {
	case payment.ByMixed:
		return []payment.Channel{w.SelfPay, payment.Insurance}
	case payment.ByInsurance:
		return []payment.Channel{payment.Insurance}
	case payment.ByUnionPay:
		return []payment.Channel{payment.UnionPay}
	}
	return []payment.Channel{payment.WeChat}
}

// registration is one payment of the plan.
type registration struct {
	N        int
	At       time.Duration // after the stream's begin
	Hospital string
	Order    string
	Person   scenario.Person
	Way      way
	Conduct  conduct
	Fen      int64
	Insured  int64 // of a mixed one
	Window   time.Duration
	After    time.Duration // the patient's own time
	Back     int64         // asked back later
}

// draw makes the plan of a run.
func draw(o options) plan {
	p := plan{Seed: o.Seed}
	r := rand.New(rand.NewPCG(o.Seed, 1))
	for n := range o.Payments {
		at := o.Stream * time.Duration(n) / time.Duration(o.Payments)
		p.Payments = append(p.Payments, drawRegistration(r, o, n, at))
	}
	// A stream of choices of its own: another number of payments leaves the
	// faults as they are.
	p.Faults = drawFaults(rand.New(rand.NewPCG(o.Seed, 2)), o)
	return p
}

func drawRegistration(r *rand.Rand, o options, n int, at time.Duration) registration {
	g := registration{
		N: n, At: at, Hospital: hospitals()[r.IntN(2)], Person: scenario.Invent(r),
		Order: fmt.Sprintf("C%08dN%05d", o.Seed%100_000_000, n),
		Way:   drawWay(r), Fen: 500 + 100*r.Int64N(95),
		Window: o.Window, After: time.Duration(200+r.IntN(1800)) * time.Millisecond,
	}
	g.Insured = g.Fen * (30 + r.Int64N(50)) / 100
	g.Back = 1 + r.Int64N(g.Fen-1)
	g.Conduct = drawConduct(r, g.Way)
	if n%400 == 399 {
		// One in four hundred is beyond any machine: the platform itself does
		// not know, and says that a person has to look.
		g.Way, g.Conduct = way{Method: payment.ByInsurance}, settlesDoubt
	}
	switch g.Conduct {
	case neverPays, paysLate:
		g.Window = time.Duration(6+r.IntN(10)) * time.Second
	case cancels, changes:
		g.Window = 20 * time.Second // UnionPay closes nothing before its time
	case returnsAll:
		g.Back = g.Fen
	}
	return g
}

func drawWay(r *rand.Rand) way {
	return pick(r, []weighted[way]{
		{20, way{Method: payment.ByWeChat, Scene: payment.JSAPI}},
		{20, way{Method: payment.ByWeChat, Scene: payment.Native}},
		{10, way{Method: payment.ByUnionPay, Scene: payment.Front}},
		{10, way{Method: payment.ByUnionPay, Scene: payment.App}},
		{15, way{Method: payment.ByInsurance}},
		{15, way{Method: payment.ByMixed, SelfPay: payment.WeChat, Scene: payment.Native}},
		{10, way{Method: payment.ByMixed, SelfPay: payment.UnionPay, Scene: payment.App}},
	})
}

func drawConduct(r *rand.Rand, w way) conduct {
	if w.Method == payment.ByInsurance {
		return pick(r, []weighted[conduct]{{78, pays}, {6, returnsAll}, {6, slotGone}, {6, settlesFail}, {4, neverPays}})
	}
	all := []weighted[conduct]{
		{48, pays}, {5, paysAndLeaves}, {4, paysLate}, {6, neverPays}, {6, cancels}, {4, cancelsPaid},
		{5, changes}, {3, changesPaid}, {4, failsFirst}, {4, slotGone},
	}
	if w.Method == payment.ByMixed {
		return pick(r, append(all, weighted[conduct]{4, returnsAll}, weighted[conduct]{4, settlesFail}))
	}
	return pick(r, append(all, weighted[conduct]{4, returnsAll}, weighted[conduct]{4, returnsPart}, weighted[conduct]{3, paysTwice}))
}

// weighted is a choice with its weight.
type weighted[T any] struct {
	weight int
	value  T
}

func pick[T any](r *rand.Rand, all []weighted[T]) T {
	sum := 0
	for _, w := range all {
		sum += w.weight
	}
	n := r.IntN(sum)
	for _, w := range all {
		if n -= w.weight; n < 0 {
			return w.value
		}
	}
	return all[len(all)-1].value
}
