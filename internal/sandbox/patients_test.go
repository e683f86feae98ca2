package sandbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox"
)

// till is a counterparty's side of the patients.
type till struct {
	mu   sync.Mutex
	paid []string
}

func (p *till) PatientPays(_ context.Context, o sandbox.Order, b sandbox.Behaviour) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paid = append(p.paid, o.Hospital+" "+o.MerchantNo+" "+o.Token+" "+string(b))
	return errors.New("refused")
}

func (p *till) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.paid...)
}

func patientsWorld(t *testing.T, initial sandbox.Default) (*sandbox.Patients, *till, *sandbox.ManualClock) {
	t.Helper()
	env, clock := notifierWorld(t)
	payer := &till{}
	env.Patients.Join("wechat", payer, initial)
	return env.Patients, payer, clock
}

func wechatOrder(no, token string) sandbox.Order {
	return sandbox.Order{Channel: "wechat", Hospital: "h-renmin", MerchantNo: no, Token: token}
}

func TestPatientsDoTheDefaultAfterTheirDelay(t *testing.T) {
	p, payer, clock := patientsWorld(t, sandbox.Default{Behaviour: sandbox.Pay, AfterMSP50: 1000, AfterMSP95: 1000})
	p.Opened(wechatOrder("a", "t"))
	eventually(t, func() bool { return clock.Sleepers() == 1 })
	clock.Advance(time.Second)
	eventually(t, func() bool { return len(payer.seen()) == 1 })
	require.Equal(t, []string{"h-renmin a t pay"}, payer.seen())
}

func TestAnInstructionReplacesTheDefault(t *testing.T) {
	p, payer, clock := patientsWorld(t, sandbox.Default{Behaviour: sandbox.Pay, AfterMSP50: 1000, AfterMSP95: 1000})
	p.Opened(wechatOrder("a", "t"))
	eventually(t, func() bool { return clock.Sleepers() == 1 })
	require.NoError(t, p.Instruct(sandbox.Instruction{Channel: "wechat", Token: "t", Behaviour: sandbox.Fail, AfterMS: 10}))
	eventually(t, func() bool { clock.Advance(time.Hour); return len(payer.seen()) == 1 })
	require.Equal(t, []string{"h-renmin a t fail"}, payer.seen())

	p.Opened(wechatOrder("b", "u"))
	eventually(t, func() bool { return clock.Sleepers() == 1 })
	require.NoError(t, p.Instruct(sandbox.Instruction{Channel: "wechat", MerchantNo: "b", Behaviour: sandbox.Abandon}))
	eventually(t, func() bool { return clock.Sleepers() == 0 })
	require.Len(t, payer.seen(), 1, "the patient walked away")
}

func TestAnInstructionMayComeBeforeItsOrder(t *testing.T) {
	p, payer, _ := patientsWorld(t, sandbox.Default{})
	require.NoError(t, p.Instruct(sandbox.Instruction{Channel: "wechat", MerchantNo: "a", Behaviour: sandbox.PayLate}))
	require.NoError(t, p.Instruct(sandbox.Instruction{Channel: "wechat", MerchantNo: "a", Hospital: "h-xiehe"}))
	require.Empty(t, payer.seen())
	p.Opened(wechatOrder("a", "t"))
	eventually(t, func() bool { return len(payer.seen()) == 1 })
	p.Opened(wechatOrder("a", "t2")) // taken only once; the other is for another hospital
	p.Opened(sandbox.Order{Channel: "wechat", Hospital: "h-xiehe", MerchantNo: "a", Token: "x"})
	eventually(t, func() bool { return len(payer.seen()) == 2 })
	require.Equal(t, []string{"h-renmin a t pay_late", "h-xiehe a x pay"}, payer.seen())
}

func TestWhatIsDoneAtOnceCanBeDoneInTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		standard  sandbox.Default
		before    []sandbox.Instruction
		inCall    []sandbox.Behaviour
		scheduled bool
	}{
		"the default":             {sandbox.Default{Behaviour: sandbox.Pay}, nil, []sandbox.Behaviour{sandbox.Pay}, false},
		"a default that waits":    {sandbox.Default{Behaviour: sandbox.Pay, AfterMSP50: 1000, AfterMSP95: 1000}, nil, nil, true},
		"a default of doing none": {sandbox.Default{Behaviour: sandbox.Abandon}, nil, nil, false},
		"an instruction":          {sandbox.Default{Behaviour: sandbox.Pay}, []sandbox.Instruction{{Behaviour: sandbox.Fail}}, []sandbox.Behaviour{sandbox.Fail}, false},
		"an instruction to wait":  {sandbox.Default{Behaviour: sandbox.Pay}, []sandbox.Instruction{{AfterMS: 1000}}, nil, true},
		"one of doing none":       {sandbox.Default{Behaviour: sandbox.Pay}, []sandbox.Instruction{{Behaviour: sandbox.Abandon}}, nil, false},
		"two of them": {sandbox.Default{}, []sandbox.Instruction{{Behaviour: sandbox.Pay, AfterMS: 1000}, {Behaviour: sandbox.Fail}},
			[]sandbox.Behaviour{sandbox.Fail}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, payer, clock := patientsWorld(t, c.standard)
			for _, in := range c.before {
				in.Channel, in.MerchantNo = "wechat", "a"
				require.NoError(t, p.Instruct(in))
			}
			require.Equal(t, c.inCall, p.OpenedInCall(wechatOrder("a", "t")))
			if c.scheduled {
				eventually(t, func() bool { return clock.Sleepers() == 1 })
				clock.Advance(time.Second)
				eventually(t, func() bool { return len(payer.seen()) == 1 })
				require.Equal(t, []string{"h-renmin a t pay"}, payer.seen())
				return
			}
			// The patient is known from now on, and did nothing but that.
			require.NoError(t, p.Instruct(sandbox.Instruction{Channel: "wechat", Token: "t", Behaviour: sandbox.PayLate}))
			eventually(t, func() bool { return len(payer.seen()) > 0 })
			require.Equal(t, []string{"h-renmin a t pay_late"}, payer.seen())
		})
	}
	p, _, _ := patientsWorld(t, sandbox.Default{Behaviour: sandbox.Pay})
	require.Empty(t, p.OpenedInCall(sandbox.Order{Channel: "cash", Token: "t"}))
}

func TestBadInstructionsAreRefused(t *testing.T) {
	p, _, _ := patientsWorld(t, sandbox.Default{})
	for name, in := range map[string]sandbox.Instruction{
		"no order":        {Channel: "wechat"},
		"bad behaviour":   {Channel: "wechat", Token: "t", Behaviour: "dance"},
		"negative time":   {Channel: "wechat", Token: "t", AfterMS: -1},
		"endless waiting": {Channel: "wechat", Token: "t", AfterMS: 1 << 50},
	} {
		require.ErrorIs(t, p.Instruct(in), sandbox.ErrInstruction, name)
	}
	require.ErrorIs(t, p.Instruct(sandbox.Instruction{Channel: "cash", Token: "t"}), sandbox.ErrUnknownChannel)
	require.ErrorIs(t, p.SetDefault(sandbox.Default{Channel: "cash", Behaviour: sandbox.Pay}), sandbox.ErrUnknownChannel)
	require.ErrorIs(t, p.SetDefault(sandbox.Default{Channel: "wechat"}), sandbox.ErrInstruction)

	p.Opened(wechatOrder("a", "t"))
	p.Opened(sandbox.Order{Channel: "wechat", Hospital: "h-xiehe", MerchantNo: "a", Token: "x"})
	require.ErrorIs(t, p.Instruct(sandbox.Instruction{Channel: "wechat", MerchantNo: "a"}), sandbox.ErrAmbiguous)
	require.NoError(t, p.Instruct(sandbox.Instruction{Channel: "wechat", MerchantNo: "a", Hospital: "h-xiehe"}))
}
