package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/store"
)

type keyCommand struct {
	Create keyCreate `cmd:"" help:"Make a key. Its secret is shown once and kept nowhere."`
	List   keyList   `cmd:"" help:"List the keys that are valid, without their secrets."`
	Revoke keyRevoke `cmd:"" help:"Revoke a key."`
}

type keyCreate struct {
	installationFlags
	Name      string   `arg:"" help:"Whose key it is."`
	Hospitals []string `help:"Hospitals that it is good for; * for all." name:"hospital" required:""`
	Staff     bool     `help:"It may decide review cases."`
}

func (c keyCreate) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	id := "key_" + strings.ToLower(rand.Text()[:12])
	secret, err := books.CreateAPIKey(ctx, store.APIKey{ID: id, Name: c.Name, Hospitals: c.Hospitals, Staff: c.Staff})
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	return top.terminal().show(map[string]string{"id": id, "key": secret}, func(w io.Writer) {
		fmt.Fprintln(w, secret)
		fmt.Fprintf(os.Stderr, "This is %s. The secret above is kept nowhere: store it now.\n", id)
	})
}

type keyList struct{ installationFlags }

// keyShown is a key without its secret, which nobody has any more.
type keyShown struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Hospitals []string `json:"hospitals"`
	Staff     bool     `json:"staff"`
}

func (c keyList) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	keys, err := books.APIKeys(ctx)
	if err != nil {
		return fmt.Errorf("list the keys: %w", err)
	}
	all := make([]keyShown, len(keys))
	for i, k := range keys {
		all[i] = keyShown(k)
	}
	return top.terminal().show(all, func(w io.Writer) {
		var t table
		t.add("id", "name", "hospitals", "may")
		for _, k := range all {
			may := "pay, refund"
			if k.Staff {
				may += ", decide reviews"
			}
			t.add(k.ID, k.Name, strings.Join(k.Hospitals, ","), may)
		}
		t.write(w, "")
	})
}

type keyRevoke struct {
	installationFlags
	ID string `arg:"" help:"The key's id."`
}

func (c keyRevoke) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	err = books.RevokeAPIKey(ctx, c.ID)
	if errors.Is(err, store.ErrNotFound) {
		return coded{exitNotFound, fmt.Errorf("there is no key %s", c.ID)}
	}
	if err != nil {
		return fmt.Errorf("revoke the key: %w", err)
	}
	return top.terminal().show(map[string]string{"revoked": c.ID}, func(w io.Writer) {
		fmt.Fprintln(w, c.ID, "is revoked; the API forgets it within seconds.")
	})
}

// books opens the database alone, for commands that need nothing else.
func (f installationFlags) books(ctx context.Context) (*store.Store, error) {
	c, err := config.Load(f.Config)
	if err != nil {
		return nil, err
	}
	return installation.OpenBooks(ctx, c)
}
