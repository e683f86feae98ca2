package insurance

import (
	"encoding/json"
	"strconv"
)

// Codes of refusals. Public texts give 0 for success and nothing else.
const (
	codeOK            = 0
	codeFormat        = 1001 // the envelope or the data cannot be read
	codeSignature     = 1002
	codeApplication   = 1003 // the appId is not registered
	codeStale         = 1004 // the timestamp is too far off
	codeField         = 2001 // a field is missing or wrong
	codeAmounts       = 2002 // the amounts do not add up
	codePerson        = 2003 // the person's data are wrong or not those of the order
	codeAuthorisation = 2004 // no such authorisation, or somebody else's
	codeAuthExpired   = 2005
	codeAuthUsed      = 2006
	codeNoOrder       = 3001
	codeDiffers       = 3002 // the same number with other content
	codeState         = 3003 // not in this state
	codeRefund        = 3004 // not this refund of this order
	codeBusy          = 9001 // the platform failed; nothing was executed
)

// refusal is why a request is not carried out. The message never holds a value
// of the request.
type refusal struct {
	code    int
	message string
}

func refuse(code int, message string) *refusal { return &refusal{code: code, message: message} }

// replyFields are what a reply adds to the envelope.
func replyFields(r *refusal) map[string]any {
	if r == nil {
		r = &refusal{code: codeOK, message: "成功"}
	}
	return map[string]any{
		"code":    json.Number(strconv.Itoa(r.code)),
		"success": r.code == codeOK,
		"message": r.message,
	}
}
