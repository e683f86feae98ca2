package wechat

import (
	"errors"
	"io"
	"net/http"
	"net/url"
)

// maxReply bounds a reply's body. The largest real one, a handful of
// certificates, has some 20 kB.
const maxReply = 1 << 20

var errTooLarge = errors.New("the reply is larger than any that WeChat Pay sends")

// rehost sends every request to another scheme and host than the one that the
// library has as a constant. The signature covers method, path, query and body
// alone, so it stays valid. It also bounds what a reply can cost: the library
// reads bodies whole.
type rehost struct {
	base *url.URL
	next http.RoundTripper
}

func (t rehost) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Host = t.base.Scheme, t.base.Host, t.base.Host
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{body: resp.Body, left: maxReply}
	return resp, nil
}

type boundedBody struct {
	body io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= n
	return n, err
}

func (b *boundedBody) Close() error { return b.body.Close() }
