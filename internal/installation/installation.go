// Package installation opens what both processes of an installation share:
// the keys, the books, the hospitals' clients, and the connection to Temporal.
package installation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lib/pq"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/hospital"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/telemetry"
)

// Installation is an opened one. Close it when the process ends.
type Installation struct {
	Config    *config.Config
	Keys      *privacy.Keyring
	Store     *store.Store
	Hospitals *hospital.Directory
	Temporal  client.Client
	Log       *zap.Logger
}

// Open reads the configuration at path and connects to everything in it. It
// waits for the database and for Temporal up to patience, since processes of
// one host start in any order; what is wrong in the configuration is an error
// at once. dial is added to the connection to Temporal.
func Open(ctx context.Context, path string, patience time.Duration, log *zap.Logger, dial ...grpc.DialOption) (*Installation, error) {
	c, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	i := &Installation{Config: c, Log: log}
	if err := i.open(ctx, patience, dial); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

func (i *Installation) open(ctx context.Context, patience time.Duration, dial []grpc.DialOption) (err error) {
	if i.Keys, err = keys(i.Config); err != nil {
		return err
	}
	if i.Hospitals, err = hospital.Open(ctx, i.Config); err != nil {
		return err
	}
	books, err := booksOf(i.Config, i.Keys)
	if err != nil {
		return err
	}
	options, err := i.clientOptions()
	if err != nil {
		return err
	}
	options.ConnectionOptions.DialOptions = dial
	// What is encrypted cannot be made smaller, and trying costs both sides more
	// CPU than a call itself.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = retry(ctx, "the database", i.Log, func() error {
		i.Store, err = store.Open(ctx, books)
		return err
	})
	if err != nil {
		return err
	}
	return retry(ctx, "Temporal", i.Log, func() error {
		i.Temporal, err = client.DialContext(ctx, options)
		return err
	})
}

// OpenBooks opens the database alone.
func OpenBooks(ctx context.Context, c *config.Config) (*store.Store, error) {
	ring, err := keys(c)
	if err != nil {
		return nil, err
	}
	books, err := booksOf(c, ring)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, books)
}

// booksOf is where the books are. An address that nothing can be made of is
// told without showing it, since a password is in it.
func booksOf(c *config.Config, ring *privacy.Keyring) (store.Config, error) {
	dsn, err := c.DatabaseDSN()
	if err != nil {
		return store.Config{}, err
	}
	if _, err := pq.NewConfig(dsn); err != nil {
		return store.Config{}, errors.New("database.dsn, or the content of database.dsn_file, is no connection string: a postgres:// URL, or key=value pairs")
	}
	days, err := workingDays(c)
	if err != nil {
		return store.Config{}, err
	}
	return store.Config{DSN: dsn, Keys: ring, MaxConns: c.Database.MaxConns, Calendar: days}, nil
}

// workingDays is the calendar by which refunds are promised.
func workingDays(c *config.Config) (*calendar.Calendar, error) {
	if c.HolidaysFile == "" {
		return calendar.New(nil), nil
	}
	f, err := os.Open(c.Path(c.HolidaysFile))
	if err != nil {
		return nil, fmt.Errorf("holidays_file: %w", err)
	}
	defer f.Close()
	years, err := calendar.Read(f)
	if err != nil {
		return nil, fmt.Errorf("holidays_file: %w", err)
	}
	return calendar.New(years), nil
}

func retry(ctx context.Context, what string, log *zap.Logger, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		log.Info("waiting for "+what, zap.Error(err))
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s cannot be reached: %w", what, err)
		case <-time.After(time.Second):
		}
	}
}

// Close lets go of everything that was opened.
func (i *Installation) Close() {
	if i.Temporal != nil {
		i.Temporal.Close()
	}
	if i.Store != nil {
		_ = i.Store.Close() // the process ends
	}
}

func keys(c *config.Config) (*privacy.Keyring, error) {
	all := map[string][]byte{}
	for _, k := range c.Encryption.Keys {
		key, err := c.Key(k.File)
		if err != nil {
			return nil, fmt.Errorf("encryption.keys: %s: %w", k.ID, err)
		}
		all[k.ID] = key
	}
	index, err := c.Key(c.Encryption.IndexKeyFile)
	if err != nil {
		return nil, fmt.Errorf("encryption.index_key_file: %w", err)
	}
	ring, err := privacy.NewKeyring(c.Encryption.Active, all, privacy.WithIndexKey(index))
	if err != nil {
		return nil, fmt.Errorf("encryption: %w", err)
	}
	return ring, nil
}

// clientOptions connect to Temporal so that everything which reaches it is
// encrypted, failures included (I10).
func (i *Installation) clientOptions() (client.Options, error) {
	t := i.Config.Temporal
	o := client.Options{
		HostPort: t.Address, Namespace: t.Namespace, Logger: telemetry.TemporalLogger(i.Log),
		DataConverter: privacy.NewDataConverter(i.Keys), FailureConverter: privacy.NewFailureConverter(i.Keys),
	}
	if t.CertFile == "" && t.CAFile == "" {
		return o, nil
	}
	o.ConnectionOptions.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(i.Config.Path(t.CertFile), i.Config.Path(t.KeyFile))
		if err != nil {
			return o, fmt.Errorf("temporal.cert_file and temporal.key_file: %w", err)
		}
		o.ConnectionOptions.TLS.Certificates = []tls.Certificate{cert}
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(i.Config.Path(t.CAFile))
		if err != nil {
			return o, fmt.Errorf("temporal.ca_file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return o, errors.New("temporal.ca_file: no certificate in the file")
		}
		o.ConnectionOptions.TLS.RootCAs = pool
	}
	return o, nil
}
