package client

import (
	"context"
	"net/url"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// Announce announces maintenance; it needs a staff key. again says that this key
// was used for the window before.
func (c *Client) Announce(ctx context.Context, a wire.Announcement) (w wire.Window, again bool, err error) {
	h, err := c.call(ctx, post("/v1/maintenance-windows", a, true), &w)
	return w, replayed(h), err
}

// Maintenance lists maintenance windows, the latest first: of one hospital, or
// when it is empty of all that the key is for, and of one state or of all.
func (c *Client) Maintenance(ctx context.Context, hospital string, state payment.WindowState, cursor string) (w wire.Windows, err error) {
	_, err = c.call(ctx, get("/v1/maintenance-windows?"+query("hospital_id", hospital, "state", string(state), "cursor", cursor, "limit", wholePage).Encode()), &w)
	return w, err
}

// EndMaintenance ends a window before its time; it needs a staff key.
func (c *Client) EndMaintenance(ctx context.Context, id string) (w wire.Window, err error) {
	_, err = c.call(ctx, post("/v1/maintenance-windows/"+url.PathEscape(id)+"/end", nil, true), &w)
	return w, err
}
