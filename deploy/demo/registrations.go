package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// registration is one line of the file: what the hospital's own export says of
// an appointment, and what the people in it are going to do.
type registration struct {
	No           string
	Hospital     string
	Slot         wire.Slot // StartsAt is filled in by startsAt
	Day          int       // days from today
	Hour, Minute int       // of the hospital's day, in China
	Registration int64     // 挂号费, fen
	Consultation int64     // 诊查费, fen
	Patient      wire.Patient
	Choice       wire.Choice
	PayWithin    time.Duration

	Behaviour behaviour
	After     time.Duration // how long the patient takes
	Verify    proving
	Insurance insuring
	SlotGone  bool // the HIS will refuse it
	Blocked   bool // the patient is on the hospital's block list
	NoShows   int  // appointments that the patient missed before
	Then      *wire.Choice
	Staff     []payment.Verdict // what support staff decide, in order
	Refund    int64             // asked for once completed, fen
	Expected  []payment.Status  // how it may end, or what it waits in
}

// behaviour is what the patient does.
type behaviour string

const (
	pays            behaviour = "pays"
	paysTwice       behaviour = "pays_twice"
	paysLate        behaviour = "pays_late" // when the time is over, or nearly so
	neverPays       behaviour = "never_pays"
	failsThenPays   behaviour = "fails_then_pays"    // the same way again
	failsThenChange behaviour = "fails_then_changes" // to the way in then
	changes         behaviour = "changes"            // without having tried
	cancels         behaviour = "cancels"
)

// proving is how the patient proves who they are, when asked.
type proving string

const (
	bySMS            proving = "sms"
	byFace           proving = "face"
	wrongCodeFirst   proving = "sms_wrong_then_right"
	wrongFaceThenSMS proving = "face_mismatch_then_sms"
	neverProves      proving = "never"
)

// insuring is what the insurance platform does; empty: it settles.
type insuring string

const (
	insuranceRefuses insuring = "refuses" // the patient's authorisation
	insuranceFails   insuring = "fails"   // accepts, and then cannot clear
	insuranceUnclear insuring = "unclear" // accepts, and then does not know itself
)

var columns = strings.Split("no,hospital,department,doctor,title,slot,day,time,registration_fee,consultation_fee,"+
	"patient,id_type,id_number,phone,method,scene,self_pay,insurance_part,pay_within,"+
	"behaviour,after,verify,insurance,his,history,then,staff,refund,expected", ",")

// readRegistrations reads the file; the error names every line that is wrong.
func readRegistrations(r io.Reader) ([]registration, error) {
	return readLines(r, payment.Status.Ended, "not the end of a payment")
}

// readLines reads a file whose last column has states that will do.
func readLines(r io.Reader, will func(payment.Status) bool, wont string) ([]registration, error) {
	reader := csv.NewReader(r)
	head, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("read registrations: %w", err)
	}
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("read registrations: the columns have to be %s", strings.Join(columns, ","))
	}
	var all []registration
	var errs []error
	seen := map[string]bool{}
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read registrations: %w", err)
		}
		one, err := parseRegistration(fields)
		if slices.ContainsFunc(one.Expected, func(s payment.Status) bool { return !will(s) }) {
			err = errors.Join(err, errors.New("expected: "+wont))
		}
		if err == nil && seen[one.No] {
			err = errors.New("no: used before")
		}
		if err != nil {
			line, _ := reader.FieldPos(0)
			errs = append(errs, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		seen[one.No] = true
		all = append(all, one)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read registrations: %w", err)
	}
	return all, nil
}

var orderPart = regexp.MustCompile(`^[0-9A-Za-z]{1,8}$`)

// fields reads columns by name and collects what is wrong with them. Errors
// name the column, never the value: it may be a patient's.
type fields struct {
	values map[string]string
	errs   []error
}

func (f *fields) wrong(column, what string) { f.errs = append(f.errs, errors.New(column+": "+what)) }

func (f *fields) text(column string, required bool) string {
	v := f.values[column]
	if v == "" && required {
		f.wrong(column, "missing")
	}
	return v
}

func (f *fields) fen(column string, required bool) int64 {
	v := f.text(column, required)
	if v == "" {
		return 0
	}
	m, err := money.Parse(v, money.CNY)
	if err != nil || m.IsNegative() {
		f.wrong(column, "not an amount of yuan")
		return 0
	}
	return m.Minor()
}

func (f *fields) duration(column string, most time.Duration) time.Duration {
	v := f.values[column]
	if v == "" {
		return 0
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > most {
		f.wrong(column, "not a time up to "+most.String())
		return 0
	}
	return d
}

// oneOf reads a word of a list; the empty word has to be in the list too.
func oneOf[T ~string](f *fields, column string, words ...T) T {
	v := T(f.values[column])
	if !slices.Contains(words, v) {
		f.wrong(column, fmt.Sprintf("not one of %q", words))
	}
	return v
}

func parseRegistration(values []string) (registration, error) {
	f := &fields{values: make(map[string]string, len(columns))}
	for i, column := range columns {
		f.values[column] = values[i]
	}
	r := registration{
		No: f.text("no", true), Hospital: f.text("hospital", true),
		Slot:         wire.Slot{ID: f.text("slot", true), Department: f.text("department", true), Doctor: f.text("doctor", true)},
		Registration: f.fen("registration_fee", true), Consultation: f.fen("consultation_fee", true),
		PayWithin: f.duration("pay_within", payment.MaxWindow), After: f.duration("after", time.Minute),
		Behaviour: oneOf(f, "behaviour", pays, paysTwice, paysLate, neverPays, failsThenPays, failsThenChange, changes, cancels),
		Verify:    oneOf(f, "verify", "", bySMS, byFace, wrongCodeFirst, wrongFaceThenSMS, neverProves),
		Insurance: oneOf(f, "insurance", "", insuranceRefuses, insuranceFails, insuranceUnclear),
		SlotGone:  oneOf(f, "his", "", "slot_gone") != "",
		Refund:    f.fen("refund", false),
	}
	if !orderPart.MatchString(r.No) {
		f.wrong("no", "1 to 8 letters and digits")
	}
	f.when(&r)
	f.patient(&r)
	f.choice(&r)
	f.story(&r)
	return r, errors.Join(f.errs...)
}

func (f *fields) when(r *registration) {
	var err error
	if r.Day, err = strconv.Atoi(f.text("day", true)); err != nil || r.Day < 1 || r.Day > 300 {
		f.wrong("day", "not a number of days from 1 to 300")
	}
	at, err := time.Parse("15:04", f.text("time", true))
	if err != nil {
		f.wrong("time", "not a time of day")
	}
	r.Hour, r.Minute = at.Hour(), at.Minute()
}

func (f *fields) patient(r *registration) {
	r.Patient = wire.Patient{
		Name: f.text("patient", true), IDType: oneOf(f, "id_type", payment.IDCard, payment.Passport),
		IDNumber: f.text("id_number", true), Phone: f.text("phone", true),
	}
	if r.Patient.IDType == payment.IDCard && !payment.ValidIDCard(r.Patient.IDNumber) {
		f.wrong("id_number", "not a valid identity card number")
	}
}

func (f *fields) choice(r *registration) {
	r.Choice = wire.Choice{
		Method:             oneOf(f, "method", payment.ByWeChat, payment.ByUnionPay, payment.ByInsurance, payment.ByMixed),
		Scene:              oneOf(f, "scene", "", payment.JSAPI, payment.Native, payment.Front, payment.App),
		SelfPay:            oneOf(f, "self_pay", "", payment.WeChat, payment.UnionPay),
		InsuranceAmountFen: f.fen("insurance_part", false),
	}
	method, scene, _ := strings.Cut(f.values["then"], "/")
	if method == "" {
		return
	}
	r.Then = &wire.Choice{Method: payment.Method(method), Scene: payment.Scene(scene)}
}

func (f *fields) story(r *registration) {
	switch kind, n, _ := strings.Cut(f.values["history"], ":"); kind {
	case "":
	case "blocked":
		r.Blocked = true
	case "no_shows":
		var err error
		if r.NoShows, err = strconv.Atoi(n); err != nil || r.NoShows < 1 || r.NoShows > 20 {
			f.wrong("history", "no_shows needs a number")
		}
	default:
		f.wrong("history", "not blocked or no_shows:N")
	}
	if staff := f.values["staff"]; staff != "" {
		for word := range strings.SplitSeq(staff, "+") {
			r.Staff = append(r.Staff, payment.Verdict(word))
		}
	}
	for word := range strings.SplitSeq(f.text("expected", true), "|") {
		r.Expected = append(r.Expected, payment.Status(word))
	}
	changing := r.Behaviour == changes || r.Behaviour == failsThenChange
	if changing != (r.Then != nil) {
		f.wrong("then", "named exactly when the patient changes")
	}
}
