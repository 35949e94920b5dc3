// The companion of the parts that cannot ask Kubernetes themselves: it copies ConfigMaps that bear a label into the
// folder of the program in the same pod, and tells the cluster's state as metrics. The standard library is all it needs.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = "companion copy -label KEY[=VALUE] -into FOLDER [-as rules|dashboards] | companion state"

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal(usage)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	listen := flags.String("listen", ":8081", "where health and metrics are told")
	label := flags.String("label", "", "the label of the ConfigMaps to copy")
	into := flags.String("into", "", "the folder that holds the copies, and nothing else")
	as := flags.String("as", "rules", "what they are: rules or dashboards")
	every := flags.Duration("every", 5*time.Second, "how often it is looked")
	_ = flags.Parse(os.Args[2:])

	ending, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	kube, err := inCluster()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	switch os.Args[1] {
	case "copy":
		if *label == "" || *into == "" {
			log.Fatal(usage)
		}
		copier := &copier{kube: kube, label: *label, folder: *into, as: *as}
		mux.HandleFunc("GET /health", copier.health)
		go copier.run(ending, *every)
	case "state":
		mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
		mux.HandleFunc("GET /metrics", (&state{kube: kube}).metrics)
	default:
		log.Fatal(usage)
	}
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ending.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != nil && err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
