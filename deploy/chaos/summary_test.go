package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/chaos/check"
	"github.com/regpay/regpay/internal/payment"
)

func TestWhoHealsByItselfAndWhoEndsWithAPersonIsCounted(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0).UTC() }
	seen := func(order string, started int) *visit {
		return &visit{registration: registration{Hospital: "h-one", Order: order, Conduct: pays, Way: way{Method: payment.ByWeChat}},
			end: ending{Started: at(started), PaymentID: "pay_" + order, Over: true}}
	}
	visits := []*visit{seen("A", 0), seen("B", 0), seen("C", 0), seen("D", 50)}
	w := check.World{}
	for order, rest := range map[string]int{"A": 20, "B": 30, "C": 12, "D": 60} {
		w.Payments = append(w.Payments, check.Payment{Key: check.Key{Hospital: "h-one", Order: order}, ID: "pay_" + order, Status: "completed", UpdatedAt: at(rest)})
	}
	w.Cases = []check.Case{{PaymentID: "pay_B", Reason: "clearing_unknown", Operator: "chaos-staff"}, {PaymentID: "pay_C", Operator: "patient"}}
	s := summary{Outcomes: map[string]int{}, Conducts: map[string]int{}}
	s.outcomes(visits, w)
	s.recoveries(visits, []window{{fault{Kind: kill, Target: "api"}, at(5), at(15)}}, w, byPerson(w))
	require.Equal(t, 3, s.Faulted, "the fourth came later")
	require.Equal(t, 1, s.ByPerson)
	require.Equal(t, []string{"h-one/B (pays): clearing_unknown"}, s.Person)
	require.Equal(t, 2, s.Recovered)
	require.Equal(t, spread{0, 0, 5000}, s.Recovery, "C rested while the fault lasted")
	require.Equal(t, "h-one/A (pays)", s.Slowest)
	require.Equal(t, map[string]int{"completed": 4}, s.Outcomes)
}

func TestTheResultIsReadByPeopleAndPrograms(t *testing.T) {
	s := summary{Seed: 7, Payments: 2, Faulted: 200, ByPerson: 3, Faults: map[string]int{"kill api": 2, "crash point wechat (charge executed, not recorded)": 1},
		Violations: []check.Violation{{Rule: "I1", Subject: "h-one/A", What: "kept"}}, Person: []string{"h-one/B: clearing_unknown"}}
	var b bytes.Buffer
	s.print(&b)
	for _, word := range []string{"Seed 7", "kill 2", "crash point 1", "1.50 %", "✗ I1 h-one/A: kept", "clearing_unknown", "the run failed"} {
		require.Contains(t, b.String(), word)
	}
	path := filepath.Join(t.TempDir(), "s.json")
	require.NoError(t, s.write(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var read map[string]any
	require.NoError(t, json.Unmarshal(text, &read))
	for _, field := range []string{"seed", "plan", "ok", "faults", "outcomes", "recovery", "violations", "faulted", "faulted_by_person"} {
		require.Contains(t, read, field)
	}
}
