package wechat

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
)

// How long downloaded certificates are used without looking again (WeChat Pay
// asks for less than 12 h), and how soon an unknown serial, which a stranger
// can name as often as he likes, makes the client look again.
const (
	certificatesFresh = 10 * time.Hour
	certificatesPause = time.Minute
)

// certificates are the platform certificates of an account without a public
// key. They are downloaded by the call that first needs them, and again when
// they are old or a serial is new: there is no goroutine that would have to be
// stopped, and a start does not depend on WeChat Pay being up.
//
// Their authenticity rests on AES-GCM with the APIv3 key, under which they
// arrive, so a download does not need earlier certificates to be believed.
type certificates struct {
	client *core.Client // does not verify replies
	apiKey string
	now    func() time.Time

	turn chan struct{} // one download at a time; a wait for it can be cancelled

	mu        sync.RWMutex
	store     core.CertificateMap
	fetchedAt time.Time
	triedAt   time.Time
}

func newCertificates(client *core.Client, apiKey string, now func() time.Time) *certificates {
	return &certificates{client: client, apiKey: apiKey, now: now, turn: make(chan struct{}, 1)}
}

// ready makes sure that there are certificates to verify a reply by, before
// anything is sent whose reply could then not be read.
func (c *certificates) ready(ctx context.Context) error {
	c.mu.RLock()
	have, age, pause := !c.fetchedAt.IsZero(), c.now().Sub(c.fetchedAt), c.now().Sub(c.triedAt)
	c.mu.RUnlock()
	switch {
	case have && (age < certificatesFresh || pause < certificatesPause):
		return nil
	case have:
		// The old ones still serve when this fails or somebody else is at it.
		select {
		case c.turn <- struct{}{}:
			defer func() { <-c.turn }()
			_ = c.download(ctx)
		default:
		}
		return nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait for certificates: %w", ctx.Err())
	}
	c.mu.RLock()
	have = !c.fetchedAt.IsZero()
	c.mu.RUnlock()
	if have {
		return nil
	}
	return c.download(ctx)
}

// download is called by whoever has the turn.
func (c *certificates) download(ctx context.Context) (err error) {
	// The library dereferences fields of the reply, which nobody has verified
	// at that point, without looking whether they are there.
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("the list of certificates is malformed")
		}
	}()
	c.mu.Lock()
	c.triedAt = c.now()
	c.mu.Unlock()
	d, err := downloader.NewCertificateDownloaderWithClient(ctx, c.client, c.apiKey)
	if err != nil {
		return err
	}
	all := d.GetAll(ctx)
	now := c.now()
	for serial, cert := range all {
		if _, ok := cert.PublicKey.(*rsa.PublicKey); !ok || now.After(cert.NotAfter) {
			delete(all, serial)
		}
	}
	if len(all) == 0 {
		return errors.New("no platform certificate is valid now")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store.Reset(all)
	c.fetchedAt = now
	return nil
}

// Get is core.CertificateGetter's. A serial that is not known may be of a
// certificate that was issued since.
func (c *certificates) Get(ctx context.Context, serial string) (*x509.Certificate, bool) {
	if cert, ok := c.lookup(ctx, serial); ok {
		return cert, true
	}
	c.mu.RLock()
	recent := c.now().Sub(c.triedAt) < certificatesPause
	c.mu.RUnlock()
	if recent {
		return nil, false
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, false
	}
	if err := c.download(ctx); err != nil {
		return nil, false
	}
	return c.lookup(ctx, serial)
}

func (c *certificates) lookup(ctx context.Context, serial string) (*x509.Certificate, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	cert, ok := c.store.Get(ctx, serial)
	if !ok || c.now().After(cert.NotAfter) {
		return nil, false
	}
	return cert, true
}

// GetAll is core.CertificateGetter's.
func (c *certificates) GetAll(ctx context.Context) map[string]*x509.Certificate {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store.GetAll(ctx)
}

// GetNewestSerial is core.CertificateGetter's; it tells WeChat Pay which
// certificate to sign by.
func (c *certificates) GetNewestSerial(ctx context.Context) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store.GetNewestSerial(ctx)
}
