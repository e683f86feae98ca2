package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func request() payment.Request {
	o := order()
	o.Slot.StartsAt = noon.Add(time.Hour)
	o.Fees = []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(5000)}}
	o.Patient.IDType = payment.IDCard
	o.Patient.IDNumber = "11010119900307123" + string(payment.IDCardCheck("11010119900307123"))
	return payment.Request{Order: o, Choice: payment.Choice{Method: payment.ByWeChat, Scene: payment.Native}}
}

func TestAPaymentIsOpenedOnlyWhenItsRequestHoldsAndTheHospitalOffersIt(t *testing.T) {
	open := func(w *world, r payment.Request) (activities.OpenOut, error) {
		b := &activities.Books{Store: w, Hospitals: w}
		return local(t, b, b.Open, activities.OpenIn{Request: r, PaymentID: "pay_1", WorkflowID: "wf", At: noon, Deadline: noon.Add(time.Minute), First: payment.Pending})
	}
	w := newWorld()
	out, err := open(w, request())
	require.NoError(t, err)
	require.True(t, out.Review())
	require.False(t, out.Refused())
	require.Equal(t, "amount", out.Rule)
	require.Equal(t, 3, w.opening.Rules.ReviewAfter)
	require.Equal(t, "wf", w.opening.WorkflowID)

	for name, harm := range map[string]func(*world, *payment.Request){
		"a broken rule":       func(_ *world, r *payment.Request) { r.Order.Amount = money.Fen(4999) },
		"an unknown hospital": func(w *world, _ *payment.Request) { w.errs["rules"] = payment.Problem{Code: payment.CodeHospital} },
		"a channel not there": func(w *world, _ *payment.Request) {
			w.errs["channel wechat"] = payment.Problem{Code: payment.CodeChannel}
		},
		"a slot that has gone": func(_ *world, r *payment.Request) { r.Order.Slot.StartsAt = noon },
	} {
		w, r := newWorld(), request()
		harm(w, &r)
		_, err := open(w, r)
		require.True(t, activities.IsFinal(err), name)
		require.Empty(t, w.did, name)
	}
}

func TestAnotherMethodIsChosenOnlyWhenTheHospitalOffersIt(t *testing.T) {
	w := newWorld()
	b := &activities.Books{Store: w, Hospitals: w}
	_, err := local(t, b, b.Choose, activities.ChooseIn{Request: request()})
	require.NoError(t, err)
	require.Equal(t, []string{"choose"}, w.did)
	w.errs["channel wechat"] = payment.Problem{Code: payment.CodeChannel}
	_, err = local(t, b, b.Choose, activities.ChooseIn{Request: request()})
	require.True(t, activities.IsFinal(err))
	bad := request()
	bad.Choice.Scene = payment.Front
	_, err = local(t, b, b.Choose, activities.ChooseIn{Request: bad})
	require.True(t, activities.IsFinal(err))
	require.Equal(t, []string{"choose"}, w.did)
}

func TestTheHISIsToldBeforeItIsWrittenDown(t *testing.T) {
	w := newWorld()
	h := &activities.HIS{Store: w, Hospitals: w, Clock: clock}
	in := activities.RegisterIn{PaymentID: "pay_1", Order: order(), PaidAt: noon, Voucher: "v-1"}
	out, err := local(t, h, h.Register, in)
	require.NoError(t, err)
	require.Equal(t, "A-1", out.AppointmentID)
	require.Equal(t, []string{"register", "registered A-1"}, w.did)
	require.False(t, out.Completed)
	in.Completes = true
	out, err = local(t, h, h.Register, in)
	require.NoError(t, err)
	require.True(t, out.Completed)
	require.Equal(t, "completed A-1", w.did[len(w.did)-1])
	require.Equal(t, []any{"v-1", "ORDER0001", money.Fen(5000)}, []any{w.told.Voucher, w.told.OrderNo, w.told.Amount})

	w = newWorld()
	h = &activities.HIS{Store: w, Hospitals: w, Clock: clock}
	w.errs["register"] = &payment.Failure{Kind: payment.Final, System: "his", Op: "register", Code: his.CodeSlotGone}
	_, err = local(t, h, h.Register, in)
	r, ok := activities.AsRefusal(err)
	require.True(t, ok)
	require.Equal(t, his.CodeSlotGone, r.Code)
	require.Equal(t, []string{"register", "standing"}, w.did)
	w.view.AppointmentID = "A-1" // the step is a repeat, and the order was refunded since
	out, err = local(t, h, h.Register, in)
	require.NoError(t, err)
	require.Equal(t, "A-1", out.AppointmentID)

	w.errs["register"] = context.DeadlineExceeded
	_, err = local(t, h, h.Register, in)
	require.False(t, activities.IsFinal(err), "a HIS that does not answer may have it (I3)")
	_, err = local(t, h, h.Unregister, in)
	require.NoError(t, err)
	require.Equal(t, "cancel", w.did[len(w.did)-1])
}

func TestAProofIsJudgedByThoseWhoKnow(t *testing.T) {
	check := func(w *world, p payment.Proof, paymentID string) error {
		s := &activities.Proofs{Store: w, Hospitals: w}
		_, err := local(t, s, s.Check, activities.CheckIn{PaymentID: paymentID, Patient: order().Patient, Proof: p, At: noon})
		return err
	}
	face := payment.Proof{Kind: payment.ByFace, Challenge: "c"}
	for _, tc := range []struct {
		name  string
		proof payment.Proof
		id    string
		harm  func(*world)
		code  string
		did   []string
	}{
		{"a code is for the books", payment.Proof{Kind: payment.BySMS, Challenge: "c", Code: "123456"}, "pay_1", nil, "", []string{"sms 123456"}},
		{"a face that passed", face, "pay_1", nil, "", []string{"challenge", "face result", "pass"}},
		{"a face of another person", face, "pay_1", func(w *world) { w.face = identity.FaceMismatch }, payment.CodeVerification, []string{"challenge", "face result"}},
		{"a face not shown yet", face, "pay_1", func(w *world) { w.face = identity.FacePending }, payment.CodeVerification, []string{"challenge", "face result"}},
		{"another payment's challenge", face, "pay_2", nil, payment.CodeVerification, []string{"challenge"}},
		{"a challenge that is not there", face, "pay_1", func(w *world) { w.errs["challenge"] = store.ErrNotFound }, payment.CodeVerification, []string{"challenge"}},
		{"another kind", payment.Proof{Kind: "palm"}, "pay_1", nil, payment.CodeVerifyKind, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			if tc.harm != nil {
				tc.harm(w)
			}
			err := check(w, tc.proof, tc.id)
			require.Equal(t, tc.did, w.did)
			if tc.code == "" {
				require.NoError(t, err)
				return
			}
			p, ok := activities.AsProblem(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tc.code, p.Code)
		})
	}
	w := newWorld()
	w.errs["challenge"] = context.DeadlineExceeded
	require.False(t, activities.IsFinal(check(w, face, "pay_1")), "books in trouble are no wrong proof")
}

func TestEveryStepHasANameOfItsOwn(t *testing.T) {
	r := registry{}
	activities.New(newWorld(), newWorld()).Register(r)
	require.Len(t, r, 7)
	var _ channel.Client
}

// registry keeps what is registered; the SDK's own refuses two steps of one
// name, which newWorld's tests of every single group cannot see.
type registry map[any]bool

func (r registry) RegisterActivity(a any)                                           { r[a] = true }
func (r registry) RegisterActivityWithOptions(a any, _ activity.RegisterOptions)    { r[a] = true }
func (r registry) RegisterDynamicActivity(a any, _ activity.DynamicRegisterOptions) { r[a] = true }

func TestTheHospitalsLimitSaysWhetherTwoPeopleDecide(t *testing.T) {
	for _, tc := range []struct {
		limit, amount int64
		want          bool
	}{{0, 1_000_000, false}, {5000, 5000, false}, {5000, 5001, true}} {
		w := newWorld()
		w.second = money.Fen(tc.limit)
		out, err := (&activities.Books{Store: w, Hospitals: w}).OpenCase(t.Context(), activities.CaseIn{HospitalID: "h-1", Amount: money.Fen(tc.amount)})
		require.NoError(t, err)
		require.Equal(t, tc.want, out.SecondPerson)
		require.Equal(t, tc.want, w.opened.SecondPerson)
	}
}
