package insurance

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/sandbox"
)

// Values of ordStas, named as public integrations do.
const (
	stasUploaded     = 0
	stasPreSettled   = 1
	stasClearing     = 2
	stasSettled      = 6
	stasRefunded     = 7
	stasHIRefunded   = 8
	stasCashRefunded = 9
	stasCashPartly   = 10
	stasHIAndPartly  = 11
	stasRevoked      = 12
	stasFailed       = 15
	stasUnclearFirst = 17 // 17–25: a person must look
	stasUnclearLast  = 25
)

func unclear(stas int) bool { return stas >= stasUnclearFirst && stas <= stasUnclearLast }

// order is one uploaded fee. Everything but the part below mu is fixed at the
// upload; that part is guarded by Server.mu.
type order struct {
	app       *application
	medOrgOrd string
	key       string // in the books
	canonical string // the uploaded data, to tell a repeat from another order
	payOrdID  string
	payToken  string
	psnNo     string
	idNo      string
	idType    string
	userName  string
	notifyURL string
	uploaded  splits

	stas      int
	splits    splits // from 6202 on
	back      splits // what was refunded of them
	settledAt time.Time
	revsToken string
}

func orderKey(hospital, medOrgOrd string) string { return hospital + "/" + medOrgOrd }

// upload is 6201.
func (s *Server) upload(app *application, data map[string]any, now time.Time) (map[string]any, *refusal) {
	for _, name := range []string{"orgCodg", "medOrgOrd", "psnNo", "idNo", "userName", "idType"} {
		if strings.TrimSpace(text(data, name)) == "" {
			return nil, refuse(codeField, "缺少字段："+name)
		}
	}
	if text(data, "orgCodg") != app.orgCode {
		return nil, refuse(codeField, "orgCodg 与应用不符")
	}
	if len(text(data, "medOrgOrd")) > 64 {
		return nil, refuse(codeField, "medOrgOrd 超长")
	}
	canonical, err := appendCanonical(nil, data)
	if err != nil {
		return nil, refuse(codeFormat, "报文格式错误")
	}
	o := &order{app: app, medOrgOrd: text(data, "medOrgOrd"), canonical: string(canonical), psnNo: text(data, "psnNo"),
		idNo: text(data, "idNo"), idType: text(data, "idType"), userName: text(data, "userName"), stas: stasUploaded}
	o.key = orderKey(app.hospital, o.medOrgOrd)
	if o.idType == idTypeResident && !validResidentID(o.idNo) {
		return nil, refuse(codePerson, "证件号码校验失败")
	}
	var refused *refusal
	if o.uploaded, refused = readFees(data); refused != nil {
		return nil, refused
	}
	if o.notifyURL, refused = readNotifyURL(data); refused != nil {
		return nil, refused
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.orders[o.key]; known != nil {
		switch {
		case known.canonical != o.canonical:
			return nil, refuse(codeDiffers, "medOrgOrd 已用于其他内容")
		case known.stas == stasRevoked:
			return nil, refuse(codeState, "订单已撤销")
		}
		return known.uploadReply(), nil
	}
	authorisation, refused := s.authorise(o, data, now)
	if refused != nil {
		return nil, refused
	}
	if o.payOrdID, o.payToken, err = newNumbers(now); err != nil {
		return nil, refuse(codeBusy, "系统异常")
	}
	if _, _, err := s.book.Open(sandbox.Charge{Key: o.key, Hospital: app.hospital, MerchantNo: o.medOrgOrd,
		ChannelNo: o.payOrdID, AmountFen: o.uploaded.total, CreatedAt: now}); err != nil {
		s.env.Log.Error("opening an order in the book", "order", o.key, "err", err)
		return nil, refuse(codeBusy, "系统异常")
	}
	authorisation.order = o
	s.orders[o.key], s.byPayOrdID[o.payOrdID] = o, o
	return o.uploadReply(), nil
}

func (o *order) uploadReply() map[string]any {
	return map[string]any{"payOrdId": o.payOrdID, "payToken": o.payToken, "medOrgOrd": o.medOrgOrd,
		"ordStas": strconv.Itoa(o.stas), "feeSumamt": yuan(o.uploaded.total)}
}

// readFees checks that the details and the parts add up to the fee and works
// out how it will be divided.
func readFees(data map[string]any) (splits, *refusal) {
	total, err := amount(data, "medfeeSumamt", false)
	if err != nil {
		return splits{}, refuse(codeField, err.Error())
	}
	if total == 0 {
		return splits{}, refuse(codeAmounts, "medfeeSumamt 为零")
	}
	list, _ := data["feedetailList"].([]any)
	if len(list) == 0 {
		return splits{}, refuse(codeField, "缺少字段：feedetailList")
	}
	var sum int64
	for i, item := range list {
		detail, _ := item.(map[string]any)
		fen, err := amount(detail, "detItemFeeSumamt", false)
		if err != nil {
			return splits{}, refuse(codeField, fmt.Sprintf("feedetailList[%d]: %v", i, err))
		}
		if sum += fen; sum > maxFen {
			return splits{}, refuse(codeAmounts, "费用明细合计超限")
		}
	}
	if sum != total {
		return splits{}, refuse(codeAmounts, "费用明细合计与 medfeeSumamt 不符")
	}
	parts := map[string]int64{}
	sum = 0
	for _, name := range []string{"inscpScpAmt", "fulamtOwnpayAmt", "preselfpayAmt", "overlmtSelfpayAmt"} {
		if parts[name], err = amount(data, name, true); err != nil {
			return splits{}, refuse(codeField, err.Error())
		}
		sum += parts[name]
	}
	if sum != total {
		return splits{}, refuse(codeAmounts, "费用构成合计与 medfeeSumamt 不符")
	}
	flag := text(data, "acctUsedFlag")
	if flag != "" && flag != "0" && flag != "1" {
		return splits{}, refuse(codeField, "acctUsedFlag 只能为 0 或 1")
	}
	return settle(total, parts["fulamtOwnpayAmt"]+parts["overlmtSelfpayAmt"], parts["preselfpayAmt"], flag != "0"), nil
}

// readNotifyURL finds extData.notifyUrl; extData may be an object or, as in
// some provinces, a string that holds one. No extData means no notice.
func readNotifyURL(data map[string]any) (string, *refusal) {
	var notify string
	switch ext := data["extData"].(type) {
	case map[string]any:
		notify = text(ext, "notifyUrl")
	case string:
		if ext == "" {
			return "", nil
		}
		var inner struct {
			NotifyURL string `json:"notifyUrl"`
		}
		if json.Unmarshal([]byte(ext), &inner) != nil {
			return "", refuse(codeField, "extData 不是 JSON")
		}
		notify = inner.NotifyURL
	}
	if notify == "" {
		return "", nil
	}
	u, err := url.Parse(notify)
	if err != nil || len(notify) > 512 || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", refuse(codeField, "extData.notifyUrl 不是网址")
	}
	return notify, nil
}

// newNumbers makes a payOrdId, which begins with the time, and the token that
// later requests must show with it.
func newNumbers(now time.Time) (payOrdID, payToken string, err error) {
	raw := make([]byte, 6+16)
	if _, err := rand.Read(raw); err != nil {
		return "", "", err
	}
	return "ORD" + now.In(shanghai()).Format(timeLayout) + strings.ToUpper(hex.EncodeToString(raw[:6])),
		hex.EncodeToString(raw[6:]), nil
}
