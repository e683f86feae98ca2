package wechat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// orderRequest is the body of POST /v3/pay/transactions/{jsapi,native}; fields
// that the sandbox does nothing with are ignored, as unknown ones are.
type orderRequest struct {
	AppID       string       `json:"appid"`
	MchID       string       `json:"mchid"`
	Description string       `json:"description"`
	OutTradeNo  string       `json:"out_trade_no"`
	TimeExpire  string       `json:"time_expire"`
	Attach      string       `json:"attach"`
	NotifyURL   string       `json:"notify_url"`
	Amount      *orderAmount `json:"amount"`
	Payer       *payer       `json:"payer"`
}

type orderAmount struct {
	Total    *int64 `json:"total"` // fen
	Currency string `json:"currency"`
}

type payer struct {
	OpenID string `json:"openid"`
}

// order is a checked orderRequest. Two orders are the same when they are equal.
type order struct {
	kind        tradeType
	appID       string
	description string
	outTradeNo  string
	attach      string
	notifyURL   string
	openID      string
	total       int64 // fen
	expires     int64 // unix seconds; 0 for never
}

type tradeType string

const (
	jsapi  tradeType = "JSAPI"
	native tradeType = "NATIVE"
)

// outTradeNoPattern: 6 to 32 characters (documented as JSAPI下单).
var outTradeNoPattern = regexp.MustCompile(`^[0-9A-Za-z_\-|*]{6,32}$`)

// maxTotal is the largest amount that the documented type (int) holds, in fen.
const maxTotal = math.MaxInt32

// parseOrder reads and checks an order's body on its own; what depends on the
// merchant or the clock is checked by the caller.
func parseOrder(kind tradeType, body []byte) (order, *orderRequest, error) {
	var req orderRequest
	if err := decodeBody(body, &req); err != nil {
		return order{}, nil, err
	}
	o := order{kind: kind, appID: req.AppID, description: req.Description, outTradeNo: req.OutTradeNo, attach: req.Attach,
		notifyURL: req.NotifyURL}
	if req.AppID == "" || len(req.AppID) > 32 {
		return o, nil, badField("body", "appid", "必填，长度不超过32")
	}
	if req.MchID == "" || len(req.MchID) > 32 {
		return o, nil, badField("body", "mchid", "必填，长度不超过32")
	}
	if n := utf8.RuneCountInString(req.Description); n < 1 || n > 127 {
		return o, nil, badField("body", "description", "必填，长度不超过127个字符")
	}
	if !outTradeNoPattern.MatchString(req.OutTradeNo) {
		return o, nil, badField("body", "out_trade_no", "须为6至32个字符，只能是数字、大小写字母_-|*")
	}
	if utf8.RuneCountInString(req.Attach) > 128 {
		return o, nil, badField("body", "attach", "长度不超过128个字符")
	}
	if err := checkNotifyURL(req.NotifyURL); err != nil {
		return o, nil, err
	}
	if req.Amount == nil || req.Amount.Total == nil || *req.Amount.Total <= 0 || *req.Amount.Total > maxTotal {
		return o, nil, badField("body", "amount/total", "须为大于0的整数，单位为分")
	}
	o.total = *req.Amount.Total
	if req.Amount.Currency != "" && req.Amount.Currency != "CNY" {
		return o, nil, badField("body", "amount/currency", "境内商户号仅支持CNY")
	}
	if kind == jsapi {
		if req.Payer == nil || req.Payer.OpenID == "" || len(req.Payer.OpenID) > 128 {
			return o, nil, badField("body", "payer/openid", "必填，长度不超过128")
		}
		o.openID = req.Payer.OpenID
	}
	if req.TimeExpire != "" {
		expires, err := time.Parse(time.RFC3339, req.TimeExpire)
		if err != nil {
			return o, nil, badField("body", "time_expire", "须遵循rfc3339标准格式")
		}
		o.expires = expires.Unix()
	}
	return o, &req, nil
}

// decodeBody reads one JSON object and nothing after it.
func decodeBody(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	err := decoder.Decode(into)
	if err == nil {
		if _, extra := decoder.Token(); errors.Is(extra, io.EOF) {
			return nil
		}
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return badField("body", strings.ReplaceAll(wrongType.Field, ".", "/"), "类型错误")
	}
	return refuse(codeParam, "请求报文不是合法的JSON")
}

// checkNotifyURL holds the platform's rules for callbacks: https, no query. The
// sandbox lets http pass for hosts alone that no real platform could reach: the
// loopback, and names without a dot, which mean something in one network of
// containers. Whether such a host is called is for the notifier to decide.
func checkNotifyURL(raw string) error {
	u, err := url.Parse(raw)
	if raw == "" || len(raw) > 256 || err != nil || u.Hostname() == "" {
		return badField("body", "notify_url", "必填，须为完整的URL，长度不超过256")
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return badField("body", "notify_url", "不能携带参数")
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLocal(u.Hostname()) {
		return nil
	}
	return badField("body", "notify_url", "须为https地址")
}

func isLocal(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return !strings.Contains(host, ".")
}
