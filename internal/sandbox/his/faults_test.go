package his_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALostReplyHasBeenCarriedOut(t *testing.T) {
	s := newSystem(t)
	require.Equal(t, 200, s.adminPut("/faults/his", `{"reply_lost":{"rate":1,"operations":["register"]}}`))
	_, err := s.send("POST", "/Appointment", "h-renmin", appointment("R1", "s-1"), unless(orders, "R1"))
	require.Error(t, err, "the connection is cut")
	require.Len(t, s.books().Appointments, 1)
	found := s.must("GET", "/Appointment?identifier=R1", "h-renmin", "", nil)
	assert.EqualValues(t, 1, found.body["total"])
	require.Equal(t, 200, s.adminPut("/faults/his", `{}`))
	assert.Equal(t, http.StatusOK, s.book("h-renmin", "R1", "s-1").status, "the repeat finds it")
}

func TestAnOutageReachesTheHealthProbe(t *testing.T) {
	s := newSystem(t)
	require.Equal(t, 200, s.adminPut("/faults/his", `{"outage":true}`))
	refused := 0
	for range 4 {
		request, err := http.NewRequest("GET", s.url+"/metadata", nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			refused++
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	assert.Equal(t, 4, refused)
}

func TestAnInjectedErrorIsAnOperationOutcome(t *testing.T) {
	s := newSystem(t)
	for code, want := range map[string]struct {
		status        int
		issue, detail string
	}{
		"503":          {503, "transient", "503"},
		"429":          {429, "transient", "429"},
		"SYSTEM_ERROR": {500, "exception", "SYSTEM_ERROR"},
		"slot-gone":    {409, "conflict", "slot-gone"},
	} {
		t.Run(code, func(t *testing.T) {
			require.Equal(t, 200, s.adminPut("/faults/his", fmt.Sprintf(`{"error":{"rate":1,"code":"%s","operations":["register"]}}`, code)))
			got := s.book("h-renmin", "R1", "s-1")
			assert.Equal(t, want.status, got.status)
			issue, detail := got.issue()
			assert.Equal(t, want.issue, issue)
			assert.Equal(t, want.detail, detail)
		})
	}
	assert.Empty(t, s.books().Appointments)
}

func TestASlotLostByTheFaultStaysLost(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R0", "s-0")
	require.Equal(t, 200, s.adminPut("/faults/his", `{"his":{"slot_gone_rate":1}}`))
	got := s.book("h-renmin", "R1", "s-1")
	assert.Equal(t, http.StatusConflict, got.status)
	_, detail := got.issue()
	assert.Equal(t, "slot-gone", detail)
	assert.Equal(t, http.StatusOK, s.book("h-renmin", "R0", "s-0").status, "a booked order keeps its slot")
	assert.NotEmpty(t, booked.id())
	require.Equal(t, 200, s.adminPut("/faults/his", `{}`))
	assert.Equal(t, http.StatusConflict, s.book("h-renmin", "R1", "s-1").status, "the same answer to a repeat")
	require.Equal(t, 200, s.adminPut("/his/slots/s-1", `{"gone":false}`))
	assert.Equal(t, http.StatusCreated, s.book("h-renmin", "R1", "s-1").status)
	assert.EqualValues(t, 1, s.his.Faults().Status().Injected["slot_gone"])
}
