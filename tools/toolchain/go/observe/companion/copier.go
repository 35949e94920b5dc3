package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const stale = time.Minute

type configMap struct {
	Metadata struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"metadata"`
	Data map[string]string `json:"data"`
}

// copier keeps a folder as the ConfigMaps with a label are. What cannot be asked for a while stays as it was.
type copier struct {
	kube   *kube
	label  string
	folder string
	as     string
	seen   atomic.Int64
}

func (c *copier) run(ctx context.Context, every time.Duration) {
	for {
		if err := c.once(ctx); err != nil {
			log.Printf("the ConfigMaps with %s could not be copied: %v", c.label, err)
		} else {
			c.seen.Store(time.Now().UnixNano())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

func (c *copier) health(w http.ResponseWriter, _ *http.Request) {
	if time.Since(time.Unix(0, c.seen.Load())) > stale {
		http.Error(w, "nothing was copied for a minute", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (c *copier) once(ctx context.Context) error {
	found, err := list[configMap](ctx, c.kube, "/api/v1/configmaps", c.label)
	if err != nil {
		return err
	}
	return keep(c.folder, files(found, c.as))
}

// files returns the wanted files by name. A dashboard that is no JSON is left out, and said so.
func files(found []configMap, as string) map[string][]byte {
	wanted := map[string][]byte{}
	for _, each := range found {
		for key, text := range each.Data {
			name := fmt.Sprintf("%s_%s_%s", each.Metadata.Namespace, each.Metadata.Name, key)
			switch {
			case as == "dashboards" && strings.HasSuffix(key, ".json"):
				page, err := fromGrafana([]byte(text))
				if err != nil {
					log.Printf("%s of the ConfigMap %s/%s is no dashboard: %v",
						key, each.Metadata.Namespace, each.Metadata.Name, err)
					continue
				}
				wanted[name] = page
			case as == "rules" && (strings.HasSuffix(key, ".yaml") || strings.HasSuffix(key, ".yml")):
				wanted[strings.TrimSuffix(name, filepath.Ext(name))+".yaml"] = []byte(text)
			}
		}
	}
	return wanted
}

// keep has the folder hold these files and no others; a reader never meets half of one.
func keep(folder string, wanted map[string][]byte) error {
	there, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, each := range there {
		if _, ok := wanted[each.Name()]; !ok {
			if err := os.Remove(filepath.Join(folder, each.Name())); err != nil {
				return err
			}
		}
	}
	for name, content := range wanted {
		place := filepath.Join(folder, name)
		if known, err := os.ReadFile(place); err == nil && bytes.Equal(known, content) {
			continue
		}
		draft := place + ".draft"
		if err := os.WriteFile(draft, content, 0o644); err != nil {
			return err
		}
		if err := os.Rename(draft, place); err != nil {
			return err
		}
	}
	return nil
}
