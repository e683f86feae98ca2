package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

func theFile(t *testing.T) []registration {
	t.Helper()
	all, err := readRegistrations(bytes.NewReader(written))
	require.NoError(t, err)
	return all
}

func opened() time.Time { return time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC) }

func TestEveryRegistrationOfTheFileIsOneThatTheAPITakes(t *testing.T) {
	all := append(theFile(t), theWaiting(t)...)
	require.GreaterOrEqual(t, len(all), 200)
	slots, phones := map[string]bool{}, map[string]string{}
	for _, r := range all {
		s := r.start(opened(), "http://127.0.0.1:1/callbacks/"+r.Hospital)
		if usesInsurance(s.Choice) {
			s.Choice.PayAuthNo = "authorised"
		}
		require.NoError(t, s.Request().Check(opened()), "registration %s", r.No)
		require.False(t, slots[r.Slot.ID], "slot of registration %s is taken", r.No)
		slots[r.Slot.ID] = true
		if r.Then != nil {
			then := *r.Then
			if usesInsurance(then) {
				then.PayAuthNo = "authorised"
			}
			require.NoError(t, then.Domain().Check(s.Request().Order), "registration %s", r.No)
		}
		if owner, taken := phones[r.Patient.Phone]; taken {
			require.Equal(t, owner, r.Patient.IDNumber, "the phone of registration %s is somebody else's", r.No)
		}
		phones[r.Patient.Phone] = r.Patient.IDNumber
	}
}

func TestNobodyInTheFileCanBeARealPerson(t *testing.T) {
	for _, r := range append(theFile(t), theWaiting(t)...) {
		phone := r.Patient.Phone
		require.True(t, strings.HasPrefix(phone, "1540000") || strings.HasPrefix(phone, "+467017406"),
			"registration %s: a phone outside the ranges that belong to nobody", r.No)
		if r.Patient.IDType == payment.IDCard {
			require.Equal(t, "00", r.Patient.IDNumber[4:6], "registration %s: a division that cards have", r.No)
		}
	}
}

func TestTheFileHasEverythingThatADayHas(t *testing.T) {
	ways, does, proves, insures, ends, hospitals := map[string]int{}, map[behaviour]int{}, map[proving]int{}, map[insuring]int{}, map[payment.Status]int{}, map[string]int{}
	var gone, blocked, missed, decided, part, whole, passports int
	for _, r := range theFile(t) {
		ways[string(r.Choice.Method)+"/"+string(r.Choice.SelfPay)+"/"+string(r.Choice.Scene)]++
		does[r.Behaviour]++
		proves[r.Verify]++
		insures[r.Insurance]++
		hospitals[r.Hospital]++
		for _, e := range r.Expected {
			ends[e]++
		}
		for is, count := range map[*int]bool{&gone: r.SlotGone, &blocked: r.Blocked, &missed: r.NoShows > 0, &decided: len(r.Staff) > 0,
			&part: r.Refund > 0 && r.Refund < r.amount(), &whole: r.Refund == r.amount(), &passports: r.Patient.IDType == payment.Passport} {
			if count {
				*is++
			}
		}
	}
	for _, way := range []string{"wechat//jsapi", "wechat//native", "unionpay//front", "unionpay//app", "insurance//",
		"mixed/wechat/jsapi", "mixed/wechat/native", "mixed/unionpay/front", "mixed/unionpay/app"} {
		require.NotZero(t, ways[way], way)
	}
	for _, b := range []behaviour{pays, paysTwice, paysLate, neverPays, failsThenPays, failsThenChange, changes, cancels} {
		require.NotZero(t, does[b], b)
	}
	for _, v := range []proving{bySMS, byFace, wrongCodeFirst, wrongFaceThenSMS, neverProves} {
		require.NotZero(t, proves[v], v)
	}
	for _, i := range []insuring{insuranceRefuses, insuranceFails, insuranceUnclear} {
		require.NotZero(t, insures[i], i)
	}
	for _, e := range []payment.Status{payment.Completed, payment.Refunded, payment.Closed, payment.Rejected} {
		require.NotZero(t, ends[e], e)
	}
	require.Len(t, hospitals, 2)
	for name, n := range map[string]int{"slot gone": gone, "blocked": blocked, "missed": missed, "decided by staff": decided,
		"part refunded": part, "whole refunded": whole, "passports": passports} {
		require.NotZero(t, n, name)
	}
}

func TestASlotIsCountedFromTheDayThatIsPlayedInTheHospitalsTimeZone(t *testing.T) {
	r := registration{No: "000042", Day: 1, Hour: 8, Minute: 15}
	// 23:30 UTC is the next morning in China, a month later too.
	require.Equal(t, time.Date(2026, 4, 2, 0, 15, 0, 0, time.UTC), r.startsAt(opened()).UTC())
	require.Equal(t, "260401073000000042", r.orderNo(opened()))
}

func TestAPatientIsTheSamePersonEveryDay(t *testing.T) {
	all := theFile(t)
	for i, again := range theFile(t) {
		require.Equal(t, all[i].person(), again.person())
	}
}

func line(t *testing.T, change map[string]string) string {
	t.Helper()
	values := map[string]string{"no": "000001", "hospital": "h-one", "department": "骨科", "doctor": "某某", "title": "主任医师", "slot": "S-1",
		"day": "1", "time": "08:15", "registration_fee": "5.00", "consultation_fee": "20.50", "patient": "某甲", "id_type": "id_card",
		"id_number": "11010519491231002X", "phone": "15400000001", "method": "wechat", "scene": "native", "pay_within": "60s",
		"behaviour": "pays", "after": "1s", "expected": "completed"}
	for k, v := range change {
		values[k] = v
	}
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = values[c]
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	require.NoError(t, w.WriteAll([][]string{columns, fields}))
	return b.String()
}

func TestALineIsRead(t *testing.T) {
	all, err := readRegistrations(strings.NewReader(line(t, map[string]string{
		"behaviour": "fails_then_changes", "then": "unionpay/app", "staff": "retry_clearing+refund", "refund": "20.50",
		"history": "no_shows:3", "expected": "completed|closed"})))
	require.NoError(t, err)
	require.Len(t, all, 1)
	r := all[0]
	require.Equal(t, int64(2550), r.amount())
	require.Equal(t, int64(2050), r.Refund)
	require.Equal(t, payment.App, r.Then.Scene)
	require.Equal(t, []payment.Verdict{payment.RetryClearing, payment.RefundAll}, r.Staff)
	require.Equal(t, 3, r.NoShows)
	require.Equal(t, []payment.Status{payment.Completed, payment.Closed}, r.Expected)
}

func TestAWrongLineIsRefusedWithItsColumnAndWithoutItsValue(t *testing.T) {
	for column, value := range map[string]string{
		"no": "00 01", "day": "0", "time": "25:00", "registration_fee": "5.001", "consultation_fee": "-1", "id_type": "visa",
		"id_number": "110105194912310021", "method": "cash", "scene": "card", "pay_within": "3h", "behaviour": "dances", "after": "x",
		"verify": "maybe", "insurance": "perhaps", "his": "odd", "history": "no_shows:x", "refund": "1e3", "expected": "paid", "then": "unionpay/app",
	} {
		t.Run(column, func(t *testing.T) {
			_, err := readRegistrations(strings.NewReader(line(t, map[string]string{column: value})))
			require.ErrorContains(t, err, column)
			require.ErrorContains(t, err, "line 2")
			if column == "id_number" {
				require.NotContains(t, err.Error(), value)
			}
		})
	}
}

func TestAFileOfAnotherFormIsRefused(t *testing.T) {
	_, err := readRegistrations(strings.NewReader("no,hospital\n1,h\n"))
	require.ErrorContains(t, err, "columns")
	_, err = readRegistrations(strings.NewReader(""))
	require.Error(t, err)
	double := line(t, nil) + strings.SplitN(line(t, nil), "\n", 2)[1]
	_, err = readRegistrations(strings.NewReader(double))
	require.ErrorContains(t, err, "used before")
}

func FuzzReadRegistrations(f *testing.F) {
	f.Add(written[:2000])
	f.Add([]byte(strings.Join(columns, ",") + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := readRegistrations(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range all {
			if r.amount() < 0 || r.PayWithin < 0 || r.After < 0 || len(r.Expected) == 0 {
				t.Fatalf("a registration that cannot be played was read: %s", r.No)
			}
			r.start(opened(), "http://127.0.0.1:1/")
		}
	})
}
