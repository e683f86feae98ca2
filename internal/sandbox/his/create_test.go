package his_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConditionalCreateMakesOneAndThenReturnsIt(t *testing.T) {
	s := newSystem(t)
	first := s.book("h-renmin", "R1", "s-1")
	require.Equal(t, http.StatusCreated, first.status)
	assert.Equal(t, s.url+"/Appointment/"+first.id()+"/_history/1", first.header.Get("Location"))
	assert.Equal(t, `W/"1"`, first.header.Get("ETag"))
	assert.Equal(t, "application/fhir+json; charset=utf-8", first.header.Get("Content-Type"))

	// The condition decides, not the body: another slot in the repeat changes nothing.
	again := s.book("h-renmin", "R1", "s-2")
	assert.Equal(t, http.StatusOK, again.status)
	assert.Equal(t, first.body, again.body)

	paid := s.pay("h-renmin", "N1", first.id(), "30.00")
	require.Equal(t, http.StatusCreated, paid.status)
	assert.Equal(t, http.StatusOK, s.pay("h-renmin", "N1", first.id(), "30.00").status)
	assert.Len(t, s.books().Appointments, 1)
	assert.Len(t, s.books().PaymentNotices, 1)
}

func TestConditionalCreateIsRefusedWhenSeveralMatch(t *testing.T) {
	s := newSystem(t)
	for range 2 { // plain creates, as a careless client sends them
		require.Equal(t, http.StatusCreated, s.must("POST", "/Appointment", "h-renmin", appointment("R1", "s-1"), nil).status)
	}
	got := s.book("h-renmin", "R1", "s-1")
	assert.Equal(t, http.StatusPreconditionFailed, got.status)
	code, _ := got.issue()
	assert.Equal(t, "multiple-matches", code)
	assert.Len(t, s.books().Appointments, 2, "the books show both")
}

func TestConditionalCreateIsAtomic(t *testing.T) {
	s := newSystem(t)
	const senders = 40
	var wait sync.WaitGroup
	statuses := make([]int, senders)
	for i := range senders {
		wait.Go(func() {
			got, err := s.send("POST", "/Appointment", "h-renmin", appointment("R1", fmt.Sprintf("s-%d", i%3)), unless(orders, "R1"))
			if err == nil {
				statuses[i] = got.status
			}
		})
	}
	wait.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	assert.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusOK: senders - 1}, count)
	assert.Len(t, s.books().Appointments, 1)
}

func TestOneSlotIsBookedByOneOrderAlsoAtOnce(t *testing.T) {
	s := newSystem(t)
	const senders = 30
	var wait sync.WaitGroup
	replies := make([]reply, senders)
	for i := range senders {
		wait.Go(func() {
			order := fmt.Sprintf("R%d", i)
			replies[i], _ = s.send("POST", "/Appointment", "h-renmin", appointment(order, "s-1"), unless(orders, order))
		})
	}
	wait.Wait()
	created := 0
	for _, got := range replies {
		if got.status == http.StatusCreated {
			created++
			continue
		}
		assert.Equal(t, http.StatusConflict, got.status)
		code, detail := got.issue()
		assert.Equal(t, "conflict", code)
		assert.Equal(t, "slot-gone", detail)
	}
	assert.Equal(t, 1, created)
}

func TestSlotsOfTwoHospitalsAreNotTheSame(t *testing.T) {
	s := newSystem(t)
	assert.Equal(t, http.StatusCreated, s.book("h-renmin", "R1", "s-1").status)
	assert.Equal(t, http.StatusCreated, s.book("h-xiehe", "R2", "s-1").status)
}

func TestASlotThatIsGoneIsRefusedUntilItIsOfferedAgain(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R0", "s-1")
	require.Equal(t, http.StatusOK, s.adminPut("/his/slots/s-1", `{"gone":true}`))
	require.Equal(t, http.StatusOK, s.adminPut("/his/slots/s-2", `{"gone":true}`))
	assert.Equal(t, http.StatusConflict, s.book("h-renmin", "R1", "s-2").status)
	repeat := s.book("h-renmin", "R0", "s-1")
	assert.Equal(t, http.StatusOK, repeat.status, "what is booked stays booked")
	assert.Equal(t, booked.id(), repeat.id())
	require.Equal(t, http.StatusOK, s.adminPut("/his/slots/s-2", `{"gone":false}`))
	assert.Equal(t, http.StatusCreated, s.book("h-renmin", "R1", "s-2").status)
	assert.Equal(t, http.StatusBadRequest, s.adminPut("/his/slots/s-2", `{}`))
	assert.Equal(t, http.StatusBadRequest, s.adminPut("/his/slots/s-2", `{"gon":true}`))
}

func TestASlotMayBeNamedByIdentifier(t *testing.T) {
	s := newSystem(t)
	byIdentifier := strings.Replace(appointment("R1", "s-1"), `"reference":"Slot/s-1"`, `"identifier":{"value":"s-1"}`, 1)
	require.Equal(t, http.StatusCreated, s.must("POST", "/Appointment", "h-renmin", byIdentifier, nil).status)
	assert.Equal(t, http.StatusConflict, s.book("h-renmin", "R2", "s-1").status)
}

func TestANoticeFindsItsAppointment(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	foreign := s.book("h-xiehe", "X1", "s-1")
	request := `"request":{"reference":"Appointment/` + booked.id() + `"}`
	cases := []struct {
		name, instead string
		status        int
	}{
		{"by relative reference", request, 201},
		{"by absolute reference", `"request":{"reference":"` + s.url + `/Appointment/` + booked.id() + `"}`, 201},
		{"by versioned reference", `"request":{"reference":"Appointment/` + booked.id() + `/_history/1"}`, 201},
		{"by identifier", `"request":{"identifier":{"system":"` + orders + `","value":"R1"}}`, 201},
		{"not by a wrong identifier", `"request":{"identifier":{"system":"` + orders + `","value":"R2"}}`, 422},
		{"not by an unknown id", `"request":{"reference":"Appointment/99"}`, 422},
		{"not at another hospital", `"request":{"reference":"Appointment/` + foreign.id() + `"}`, 422},
		{"not by another type", `"request":{"reference":"Encounter/` + booked.id() + `"}`, 422},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			number := fmt.Sprintf("N%d", i)
			body := strings.Replace(paymentNotice(number, "Appointment/"+booked.id(), "10"), request, c.instead, 1)
			got := s.must("POST", "/PaymentNotice", "h-renmin", body, unless(notices, number))
			assert.Equal(t, c.status, got.status, got.body)
		})
	}
	t.Run("by an identifier that both carry when there is no request", func(t *testing.T) {
		body := strings.Replace(paymentNotice("N9", "Appointment/"+booked.id(), "10"), request+",", "", 1)
		assert.Equal(t, 422, s.must("POST", "/PaymentNotice", "h-renmin", body, nil).status)
		shared := strings.Replace(body, `"identifier":[`, `"identifier":[{"system":"`+orders+`","value":"R1"},`, 1)
		assert.Equal(t, 201, s.must("POST", "/PaymentNotice", "h-renmin", shared, nil).status)
	})
}
