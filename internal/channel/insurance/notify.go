package insurance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/regpay/regpay/internal/channel"
)

// settlementNotice is the callType of 6302.
const settlementNotice = "02"

// ParseNotification reads 6302 after its signature, its timestamp and the app
// were found right. A notice without ordStas is one of a settlement; with it,
// ordStas decides.
func (c *Client) ParseNotification(_ context.Context, n channel.Notification) (channel.Event, error) {
	ev, err := c.notice(n)
	if err != nil {
		return channel.Event{}, fmt.Errorf("insurance notification: %w", err)
	}
	return ev, nil
}

func (c *Client) notice(n channel.Notification) (channel.Event, error) {
	if n.Method != http.MethodPost {
		return channel.Event{}, errors.New("not a POST")
	}
	o, _, err := c.open(n.Body)
	switch {
	case err != nil:
		return channel.Event{}, err
	case o.appID != c.cfg.AppID:
		return channel.Event{}, errors.New("for another app")
	}
	if err := c.checkAge(o.timestamp); err != nil {
		return channel.Event{}, err
	}
	d := o.data
	if text(d, "callType") != settlementNotice {
		return channel.Event{}, errors.New("of another kind")
	}
	for _, k := range []string{"payOrdId", "medOrgOrd"} {
		if text(d, k) == "" {
			return channel.Event{}, fmt.Errorf("without %s", k)
		}
	}
	if org := text(d, "orgCodg"); org != "" && org != c.cfg.OrgCode {
		return channel.Event{}, errors.New("for another hospital")
	}
	r := channel.Report{MerchantNo: text(d, "medOrgOrd"), State: channel.Captured, ChannelNo: text(d, "payOrdId")}
	if stas := text(d, "ordStas"); stas != "" {
		r.State, r.Code = chargeState(stas), safeCode(stas)
	}
	if r.State == channel.Captured {
		if err := settlement(&r, d); err != nil {
			return channel.Event{}, err
		}
	}
	id, err := noticeID(d)
	return channel.Event{ID: id, Charge: &r}, err
}

// noticeID is of the content, which has no number of its own: a repeat says the
// same in a new envelope.
func noticeID(data object) (string, error) {
	kept, _ := prune(data)
	s, err := compact(quote(kept))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(s))
	return text(data, "payOrdId") + "-" + hex.EncodeToString(sum[:8]), nil
}

func (c *Client) checkAge(timestamp string) error {
	at, err := time.ParseInLocation(c.cfg.TimestampLayout, timestamp, china)
	if err != nil {
		return errors.New("without a timestamp")
	}
	if c.cfg.Clock().Sub(at).Abs() > c.cfg.Freshness {
		return errors.New("its timestamp is too far from the clock")
	}
	return nil
}

// Acknowledge answers {success,message}. The refusal does not say why.
func (c *Client) Acknowledge(err error) channel.Reply {
	r := channel.Reply{
		Status: http.StatusOK, ContentType: "application/json; charset=utf-8",
		Body: []byte(`{"success":true,"message":"ok"}`),
	}
	if err != nil {
		r.Status, r.Body = http.StatusBadRequest, []byte(`{"success":false,"message":"refused"}`)
	}
	return r
}
