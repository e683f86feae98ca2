package his_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/sandbox/his"
)

func withID(body, id string) string {
	return strings.Replace(body, `"identifier":[`, `"id":"`+id+`","identifier":[`, 1)
}

func TestReadAndSearchReturnWhatWasStored(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	s.book("h-renmin", "R2", "s-2")
	read := s.must("GET", "/Appointment/"+booked.id(), "h-renmin", "", nil)
	assert.Equal(t, http.StatusOK, read.status)
	assert.Equal(t, booked.body, read.body)

	for name, c := range map[string]struct {
		query string
		total int
	}{
		"system and value": {"?identifier=" + url.QueryEscape(orders+"|R1"), 1},
		"any system":       {"?identifier=R1", 1},
		"any value":        {"?identifier=" + url.QueryEscape(orders+"|"), 2},
		"no system":        {"?identifier=" + url.QueryEscape("|R1"), 0},
		"another value":    {"?identifier=" + url.QueryEscape(orders+"|R3"), 0},
		"everything":       {"", 2},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.must("GET", "/Appointment"+c.query, "h-renmin", "", nil)
			assert.Equal(t, "searchset", got.body["type"])
			assert.EqualValues(t, c.total, got.body["total"])
			entries, _ := got.body["entry"].([]any)
			require.Len(t, entries, c.total)
			if c.total == 1 {
				assert.Equal(t, booked.body, entries[0].(map[string]any)["resource"])
			}
		})
	}
}

func TestTheAmountKeepsItsDigits(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	paid := s.pay("h-renmin", "N1", booked.id(), "30.10")
	request, err := http.NewRequest("GET", s.url+"/PaymentNotice/"+paid.id(), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+s.tokens["h-renmin"])
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var raw strings.Builder
	require.NoError(t, response.Write(&raw))
	assert.Contains(t, raw.String(), `"value":30.10,`)
}

func TestCancellingByPutFreesTheSlot(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	cancelled := withID(strings.Replace(appointment("R1", "s-1"), "booked", "cancelled", 1), booked.id())
	for range 2 { // a repeat is fine
		got := s.must("PUT", "/Appointment/"+booked.id(), "h-renmin", cancelled, nil)
		require.Equal(t, http.StatusOK, got.status, got.body)
		assert.Equal(t, "cancelled", got.body["status"])
	}
	assert.Equal(t, "cancelled", s.books().Appointments[0].Status)
	assert.Equal(t, http.StatusUnprocessableEntity, s.pay("h-renmin", "N1", booked.id(), "30").status,
		"a cancelled appointment takes no payment")
	again := withID(appointment("R1", "s-1"), booked.id())
	assert.Equal(t, http.StatusUnprocessableEntity, s.must("PUT", "/Appointment/"+booked.id(), "h-renmin", again, nil).status,
		"a cancelled appointment does not come back")
	assert.Equal(t, http.StatusCreated, s.book("h-renmin", "R2", "s-1").status, "the slot is free")
}

func TestASlotIsFreeOnlyWhenItsLastAppointmentHasEnded(t *testing.T) {
	s := newSystem(t)
	var ids []string
	for range 2 { // plain creates: the order holds its slot twice
		ids = append(ids, s.must("POST", "/Appointment", "h-renmin", appointment("R1", "s-1"), nil).id())
	}
	for i, wanted := range []int{http.StatusConflict, http.StatusCreated} {
		cancelled := withID(strings.Replace(appointment("R1", "s-1"), "booked", "entered-in-error", 1), ids[i])
		require.Equal(t, http.StatusOK, s.must("PUT", "/Appointment/"+ids[i], "h-renmin", cancelled, nil).status)
		assert.Equal(t, wanted, s.book("h-renmin", "R2", "s-1").status)
	}
}

func TestCancellingByPatch(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	paid := s.pay("h-renmin", "N1", booked.id(), "30")
	asPatch := header{"Content-Type": "application/json-patch+json"}
	for name, c := range map[string]struct {
		path, patch string
		status      int
	}{
		"a test that does not hold":    {"/Appointment/" + booked.id(), `[{"op":"test","path":"/status","value":"arrived"},{"op":"replace","path":"/status","value":"cancelled"}]`, 422},
		"another element":              {"/Appointment/" + booked.id(), `[{"op":"replace","path":"/slot","value":"Slot/9"}]`, 422},
		"a status outside the set":     {"/Appointment/" + booked.id(), `[{"op":"replace","path":"/status","value":"gone"}]`, 400},
		"a status of the HIS's own":    {"/Appointment/" + booked.id(), `[{"op":"replace","path":"/status","value":"fulfilled"}]`, 422},
		"removing the status":          {"/Appointment/" + booked.id(), `[{"op":"remove","path":"/status"}]`, 422},
		"no patch at all":              {"/Appointment/" + booked.id(), `{"status":"cancelled"}`, 400},
		"a notice back to a draft":     {"/PaymentNotice/" + paid.id(), `[{"op":"replace","path":"/status","value":"draft"}]`, 422},
		"an id that nobody has issued": {"/Appointment/12", `[{"op":"replace","path":"/status","value":"cancelled"}]`, 404},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.must("PATCH", c.path, "h-renmin", c.patch, asPatch)
			assert.Equal(t, c.status, got.status, got.body)
		})
	}
	assert.Equal(t, "booked", s.books().Appointments[0].Status)
	cancel := `[{"op":"test","path":"/status","value":"%"},{"op":"replace","path":"/status","value":"cancelled"}]`
	assert.Equal(t, 200, s.must("PATCH", "/Appointment/"+booked.id(), "h-renmin", strings.Replace(cancel, "%", "booked", 1), asPatch).status)
	assert.Equal(t, 200, s.must("PATCH", "/PaymentNotice/"+paid.id(), "h-renmin", strings.Replace(cancel, "%", "active", 1), asPatch).status)
	books := s.books()
	assert.Equal(t, "cancelled", books.Appointments[0].Status)
	assert.Equal(t, "cancelled", books.PaymentNotices[0].Status)
	assert.Zero(t, books.Appointments[0].AmountFen)
}

func TestAnUpdateKeepsIdentity(t *testing.T) {
	s := newSystem(t)
	booked := s.book("h-renmin", "R1", "s-1")
	paid := s.pay("h-renmin", "N1", booked.id(), "30")
	other := s.book("h-renmin", "R2", "s-2")
	notice := func(request, yuan string) string {
		return withID(paymentNotice("N1", "Appointment/"+request, yuan), paid.id())
	}
	for name, c := range map[string]struct {
		path, body, ifMatch string
		status              int
	}{
		"another order":       {"/Appointment/" + booked.id(), withID(appointment("R9", "s-1"), booked.id()), "", 422},
		"another slot":        {"/Appointment/" + booked.id(), withID(appointment("R1", "s-9"), booked.id()), "", 422},
		"no id":               {"/Appointment/" + booked.id(), appointment("R1", "s-1"), "", 400},
		"another id":          {"/Appointment/" + booked.id(), withID(appointment("R1", "s-1"), "5"), "", 400},
		"another version":     {"/Appointment/" + booked.id(), withID(appointment("R1", "s-1"), booked.id()), `W/"9"`, 412},
		"a broken If-Match":   {"/Appointment/" + booked.id(), withID(appointment("R1", "s-1"), booked.id()), `2`, 400},
		"this version":        {"/Appointment/" + booked.id(), withID(appointment("R1", "s-1"), booked.id()), `W/"1"`, 200},
		"another amount":      {"/PaymentNotice/" + paid.id(), notice(booked.id(), "31"), "", 422},
		"another appointment": {"/PaymentNotice/" + paid.id(), notice(other.id(), "30"), "", 422},
		"the same notice":     {"/PaymentNotice/" + paid.id(), notice(booked.id(), "30"), "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			with := header{}
			if c.ifMatch != "" {
				with["If-Match"] = c.ifMatch
			}
			got := s.must("PUT", c.path, "h-renmin", c.body, with)
			assert.Equal(t, c.status, got.status, got.body)
		})
	}
}

func TestTheBooksShowEveryEntry(t *testing.T) {
	s := newSystem(t)
	one := s.book("h-renmin", "R1", "s-1")
	two := s.book("h-xiehe", "X1", "s-1")
	s.clock.Advance(time.Minute)
	insurance := s.pay("h-renmin", "N1", one.id(), "12.34")
	own := s.pay("h-renmin", "N2", one.id(), "7.66")
	created := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	assert.Equal(t, his.Books{
		Appointments: []his.AppointmentEntry{
			{Hospital: "h-renmin", ID: one.id(), OrderNo: "R1", Slot: "s-1", Status: "booked", AmountFen: 2000, CreatedAt: created},
			{Hospital: "h-xiehe", ID: two.id(), OrderNo: "X1", Slot: "s-1", Status: "booked", CreatedAt: created},
		},
		PaymentNotices: []his.PaymentNoticeEntry{
			{Hospital: "h-renmin", ID: insurance.id(), NoticeNo: "N1", OrderNo: "R1", Appointment: one.id(), Status: "active", AmountFen: 1234, CreatedAt: created.Add(time.Minute)},
			{Hospital: "h-renmin", ID: own.id(), NoticeNo: "N2", OrderNo: "R1", Appointment: one.id(), Status: "active", AmountFen: 766, CreatedAt: created.Add(time.Minute)},
		},
	}, s.books())
}
