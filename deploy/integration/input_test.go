package integration

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// TestABadStartGetsItsCodeAndChangesNothing.
func TestABadStartGetsItsCodeAndChangesNothing(t *testing.T) {
	w := hold(t)
	v := w.arrange(t, renmin, wechatJSAPI)
	good, err := json.Marshal(v.start)
	require.NoError(t, err)
	// set writes a member by its path, as JSON; no value removes it.
	set := func(pairs ...string) []byte {
		var body map[string]any
		require.NoError(t, json.Unmarshal(good, &body))
		for n := 0; n < len(pairs); n += 2 {
			at, names := body, strings.Split(pairs[n], ".")
			for _, name := range names[:len(names)-1] {
				at = at[name].(map[string]any)
			}
			if last := names[len(names)-1]; pairs[n+1] == "" {
				delete(at, last)
			} else {
				at[last] = json.RawMessage(pairs[n+1])
			}
		}
		b, err := json.Marshal(body)
		require.NoError(t, err)
		return b
	}
	amount := func(fen string) []byte {
		return set("order.amount_fen", fen, "order.fees", `[{"code":"1","name":"x","amount_fen":`+fen+`}]`)
	}
	at := func(d time.Duration) string { b, _ := json.Marshal(time.Now().Add(d)); return string(b) }
	mixed := `{"method":"mixed","scene":"jsapi","self_pay":"wechat","pay_auth_no":"X","insurance_amount_fen":`
	for rule, c := range map[string]struct {
		body []byte
		code string
	}{
		"unknown hospital":             {set("order.hospital_id", `"h-nowhere"`), payment.CodeHospital},
		"no hospital":                  {set("order.hospital_id", `""`), payment.CodeHospital},
		"order number too short":       {set("order.order_no", `"T1"`), payment.CodeOrderNo},
		"order number with a dash":     {set("order.order_no", `"T123-4567"`), payment.CodeOrderNo},
		"unknown method":               {set("choice.method", `"alipay"`), payment.CodeMethod},
		"scene of another channel":     {set("choice.scene", `"app"`), payment.CodeScene},
		"jsapi without openid":         {set("order.patient.openid", ``), payment.CodeOpenID},
		"no amount at all":             {amount("0"), payment.CodeAmount},
		"negative amount":              {amount("-1"), payment.CodeAmount},
		"half a fen":                   {amount("0.5"), payment.CodeAmount},
		"absurd amount":                {amount("5000001"), payment.CodeAmount},
		"overflowing amount":           {amount("9223372036854775808"), payment.CodeAmount},
		"amount as a string":           {set("order.amount_fen", `"5000"`), payment.CodeAmount},
		"fees that do not add up":      {set("order.amount_fen", "5001"), payment.CodeFees},
		"split above the amount":       {set("choice", mixed+"5001}"), payment.CodeSplit},
		"split of everything":          {set("choice", mixed+"5000}"), payment.CodeSplit},
		"split of nothing":             {set("choice", mixed+"0}"), payment.CodeSplit},
		"negative split":               {set("choice", mixed+"-1}"), payment.CodeSplit},
		"split without mixed":          {set("choice.insurance_amount_fen", "100"), payment.CodeSplit},
		"insurance without a consent":  {set("choice", `{"method":"insurance"}`), payment.CodeInsuranceAuth},
		"ID number's checksum":         {set("order.patient.id_number", `"110101199003071235"`), payment.CodeIDNumber},
		"ID number's date":             {set("order.patient.id_number", `"110101199013411234"`), payment.CodeIDNumber},
		"unknown document":             {set("order.patient.id_type", `"library_card"`), api.CodeInvalid},
		"phone number":                 {set("order.patient.phone", `"12345"`), payment.CodePhone},
		"no name":                      {set("order.patient.name", `""`), payment.CodeName},
		"slot that has passed":         {set("order.slot.starts_at", at(-time.Hour)), payment.CodeSlotPassed},
		"slot in two years":            {set("order.slot.starts_at", at(2*366*24*time.Hour)), payment.CodeSlot},
		"no slot":                      {set("order.slot.id", `""`), payment.CodeSlot},
		"time to pay too short":        {set("pay_within_seconds", "1"), payment.CodeDeadline},
		"time to pay too long":         {set("pay_within_seconds", "7201"), payment.CodeDeadline},
		"callback that is no URL":      {set("callback_url", `"booking"`), payment.CodeCallback},
		"callback with a password":     {set("callback_url", `"http://a:b@127.0.0.1/"`), payment.CodeCallback},
		"misspelt member":              {set("choise", `{}`), api.CodeInvalid},
		"missing member":               {set("choice", ``), api.CodeInvalid},
		"several things at once":       {set("order.patient.phone", `"1"`, "order.patient.name", `""`), api.CodeInvalid},
		"malformed JSON":               {good[:len(good)-1], api.CodeMalformed},
		"no JSON":                      {[]byte("order_no=T1"), api.CodeMalformed},
		"nothing":                      {nil, api.CodeMalformed},
		"oversized":                    {append(bytes.Repeat([]byte(" "), api.MaxBody), good...), api.CodeTooLarge},
		"a NUL, which JSON can spell":  {set("order.patient.name", `"\u0000"`), api.CodeMalformed},
		"an array instead of an order": {[]byte("[]"), api.CodeInvalid},
	} {
		reply, p := w.post(t, "/v1/payments", w.in.APIKey, c.body)
		assert.Equal(t, c.code, p.Code, "%s: %s", rule, p.Detail)
		assert.Equal(t, reply.StatusCode, p.Status, rule)
		assert.Equal(t, "urn:regpay:problem:"+p.Code, p.Type, rule)
		assert.NotEmpty(t, p.RequestID, rule)
		said, err := json.Marshal(p)
		require.NoError(t, err)
		noTrace(t, "the problem "+rule, v.person, said)
	}
	page, err := w.in.API.Payments(t.Context(), url.Values{"order_no": {v.order()}})
	require.NoError(t, err)
	assert.Empty(t, page.Items, "nothing was opened")
	_, err = w.temporal.DescribeWorkflowExecution(t.Context(), "payment/"+renmin+"/"+v.order(), "")
	assert.Error(t, err, "nothing was started")
	assert.Empty(t, v.charges(payment.WeChat))

	v.begin() // and the same order can still be paid
	v.pay()
	v.until(payment.Completed)
}

// TestProblemsSpeakTheCallersLanguage.
func TestProblemsSpeakTheCallersLanguage(t *testing.T) {
	w := hold(t)
	for accept, language := range map[string]string{"": "zh-CN", "zh-CN,zh;q=0.9": "zh-CN", "en-US,en;q=0.8": "en", "fr": "zh-CN"} {
		reply, p := w.post(t, "/v1/payments", w.in.APIKey, []byte("{"), "Accept-Language", accept)
		assert.Equal(t, language, reply.Header.Get("Content-Language"), accept)
		assert.Equal(t, api.CodeMalformed, p.Code)
		assert.Equal(t, language == "zh-CN", strings.ContainsRune(p.Title, '请'), "%s: %s", accept, p.Title)
	}
}

// TestABadStepGetsItsCodeAndChangesNothing: everything that is asked of a
// payment which exists, or does not.
func TestABadStepGetsItsCodeAndChangesNothing(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	before := v.look()
	nobody := payment.ID(renmin, "T0000000000")
	mine, theirs := "/v1/payments/"+v.id(), "/v1/payments/"+nobody
	for rule, c := range map[string]struct{ path, body, code string }{
		"verification of nobody":          {theirs + "/verification", `{"kind":"sms"}`, payment.CodeNotFound},
		"verification that is not asked":  {mine + "/verification", `{"kind":"sms"}`, payment.CodeState},
		"verification of an unknown kind": {mine + "/verification", `{"kind":"iris"}`, payment.CodeVerifyKind},
		"code without a challenge":        {mine + "/verification", `{"kind":"sms","code":"123456"}`, payment.CodeVerification},
		"answer that nobody asked for":    {mine + "/verification", `{"kind":"sms","challenge_id":"ver_X","code":"123456"}`, payment.CodeState},
		"method of nobody":                {theirs + "/method", `{"method":"unionpay","scene":"app"}`, payment.CodeNotFound},
		"unknown method":                  {mine + "/method", `{"method":"cash"}`, payment.CodeMethod},
		"method without its scene":        {mine + "/method", `{"method":"unionpay"}`, payment.CodeScene},
		"insurance without a consent":     {mine + "/method", `{"method":"insurance"}`, payment.CodeInsuranceAuth},
		"cancellation of nobody":          {theirs + "/cancel", `{}`, payment.CodeNotFound},
		"refund of nobody":                {theirs + "/refunds", `{"key":"k","amount_fen":1}`, payment.CodeNotFound},
		"refund before it is paid":        {mine + "/refunds", `{"key":"k","amount_fen":1}`, payment.CodeState},
		"review by a booking backend":     {mine + "/review", `{"case_id":"x","decision":"reject","operator":"li"}`, api.CodeForbidden},
		"no such step":                    {mine + "/explode", `{}`, api.CodeNoRoute},
		"misspelt member":                 {mine + "/cancel", `{"reson":"x"}`, api.CodeInvalid},
		"malformed":                       {mine + "/cancel", `{`, api.CodeMalformed},
	} {
		_, p := w.post(t, c.path, w.in.APIKey, []byte(c.body))
		assert.Equal(t, c.code, p.Code, "%s: %s", rule, p.Detail)
	}
	for rule, c := range map[string]struct{ path, code string }{
		"payment that is not there":  {theirs, payment.CodeNotFound},
		"id that is none":            {"/v1/payments/none", payment.CodeNotFound},
		"timeline that is not there": {theirs + "/timeline", payment.CodeNotFound},
		"voucher not issued":         {mine + "/voucher", api.CodeNoVoucher},
		"picture of no format":       {mine + "/voucher?format=gif", api.CodeInvalid},
		"cursor of nobody":           {"/v1/payments?cursor=%00", api.CodeCursor},
		"status that is none":        {"/v1/payments?status=paidish", api.CodeInvalid},
		"parameter that is none":     {"/v1/payments?stauts=paid", api.CodeInvalid},
		"page without an end":        {"/v1/payments?limit=100000", api.CodeInvalid},
	} {
		reply, text := w.request(t, http.MethodGet, w.in.APIBase+c.path, w.in.APIKey, nil)
		var p wire.Problem
		require.NoError(t, json.Unmarshal(text, &p), "%s: %d %s", rule, reply.StatusCode, text)
		assert.Equal(t, c.code, p.Code, "%s: %s", rule, p.Detail)
	}
	assert.Equal(t, before, v.look())
}

// TestAWrongProofDoesNotVerify: neither by SMS nor by face.
func TestAWrongProofDoesNotVerify(t *testing.T) {
	w := hold(t)
	t.Run("sms", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, w.insured(t, renmin))
		asked, err := w.in.API.Verify(t.Context(), v.id(), wire.Verification{Kind: payment.BySMS})
		require.NoError(t, err)
		right, err := w.in.Sandbox.SMSCode(t.Context(), renmin, asked.Challenge.ChallengeID)
		require.NoError(t, err)
		wrong := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, right)
		answer := func(challenge, text string) error {
			_, err := w.in.API.Verify(t.Context(), v.id(), wire.Verification{Kind: payment.BySMS, ChallengeID: challenge, Code: text})
			return err
		}
		assert.Equal(t, payment.CodeVerification, code(answer(asked.Challenge.ChallengeID, wrong)))
		assert.Equal(t, payment.CodeVerification, code(answer("ver_ANOTHER", right)))
		_, err = w.in.API.Verify(t.Context(), v.id(), wire.Verification{Kind: payment.BySMS})
		assert.Equal(t, payment.CodeTooMany, code(err), "one code a minute")
		other := w.begin(t, renmin, w.insured(t, renmin))
		_, err = w.in.API.Verify(t.Context(), other.id(), wire.Verification{Kind: payment.BySMS, ChallengeID: asked.Challenge.ChallengeID, Code: right})
		assert.Equal(t, payment.CodeVerification, code(err), "another payment's code")
		assert.Equal(t, payment.Verifying, v.look().Status)
		assert.Empty(t, v.charges(payment.Insurance))
		require.NoError(t, answer(asked.Challenge.ChallengeID, right))
		v.until(payment.Completed)
	})
	t.Run("face", func(t *testing.T) {
		t.Parallel()
		v := w.begin(t, renmin, w.insured(t, renmin))
		for _, result := range []string{"mismatch", "cancelled"} {
			_, err := w.in.AnswerFace(t.Context(), v.id(), result)
			assert.Equal(t, payment.CodeVerification, code(err), result)
		}
		assert.Equal(t, payment.Verifying, v.look().Status)
		v.proveByFace()
		v.until(payment.Completed)
	})
}
