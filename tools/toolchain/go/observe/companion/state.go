package main

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

// state tells the cluster's objects as metrics, under the names and labels of kube-state-metrics, so that rules and
// dashboards written for that hold here: https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics
type state struct{ kube *kube }

type named struct {
	Metadata struct {
		Namespace string    `json:"namespace"`
		Name      string    `json:"name"`
		UID       string    `json:"uid"`
		Created   time.Time `json:"creationTimestamp"`
	} `json:"metadata"`
}

type condition struct {
	Type   string `json:"type"`
	Status string `json:"status"`
}

type terminated struct {
	Reason string `json:"reason"`
}

type pod struct {
	named
	Spec struct {
		NodeName   string `json:"nodeName"`
		Containers []struct {
			Name      string `json:"name"`
			Resources struct {
				Requests map[string]string `json:"requests"`
				Limits   map[string]string `json:"limits"`
			} `json:"resources"`
		} `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase             string      `json:"phase"`
		PodIP             string      `json:"podIP"`
		Conditions        []condition `json:"conditions"`
		ContainerStatuses []struct {
			Name         string  `json:"name"`
			Ready        bool    `json:"ready"`
			RestartCount float64 `json:"restartCount"`
			State        struct {
				Waiting    *terminated `json:"waiting"`
				Terminated *terminated `json:"terminated"`
			} `json:"state"`
			LastState struct {
				Terminated *terminated `json:"terminated"`
			} `json:"lastState"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

type deployment struct {
	named
	Spec struct {
		Replicas *float64 `json:"replicas"`
	} `json:"spec"`
	Status struct {
		Replicas    float64 `json:"replicas"`
		Available   float64 `json:"availableReplicas"`
		Unavailable float64 `json:"unavailableReplicas"`
		Updated     float64 `json:"updatedReplicas"`
	} `json:"status"`
}

type autoscaler struct {
	named
	Spec struct {
		Min *float64 `json:"minReplicas"`
		Max float64  `json:"maxReplicas"`
	} `json:"spec"`
	Status struct {
		Current float64 `json:"currentReplicas"`
		Desired float64 `json:"desiredReplicas"`
	} `json:"status"`
}

type quota struct {
	named
	Status struct {
		Hard map[string]string `json:"hard"`
		Used map[string]string `json:"used"`
	} `json:"status"`
}

type node struct {
	named
	Status struct {
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type job struct {
	named
	Status struct {
		Failed     float64     `json:"failed"`
		Succeeded  float64     `json:"succeeded"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type cronJob struct {
	named
	Status struct {
		Scheduled  *time.Time `json:"lastScheduleTime"`
		Successful *time.Time `json:"lastSuccessfulTime"`
	} `json:"status"`
}

var phases = []string{"Pending", "Running", "Succeeded", "Failed", "Unknown"}

func (s *state) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
	defer cancel()
	told := &exposition{}
	for _, each := range []func(context.Context, *exposition) error{
		s.pods, s.deployments, s.autoscalers, s.quotas, s.nodes, s.jobs, s.cronJobs,
	} {
		if err := each(ctx, told); err != nil {
			// Half of the cluster would look like the other half was deleted.
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprint(w, strings.Join(told.lines, "\n"), "\n")
}

func (s *state) pods(ctx context.Context, told *exposition) error {
	found, err := list[pod](ctx, s.kube, "/api/v1/pods", "")
	for _, each := range found {
		own := told.of("namespace", each.Metadata.Namespace, "pod", each.Metadata.Name)
		own("kube_pod_info", 1, "node", each.Spec.NodeName, "pod_ip", each.Status.PodIP, "uid", each.Metadata.UID)
		for _, phase := range phases {
			own("kube_pod_status_phase", truth(each.Status.Phase == phase), "phase", phase)
		}
		for _, one := range each.Status.Conditions {
			if one.Type == "Ready" {
				for _, wanted := range []string{"True", "False", "Unknown"} {
					own("kube_pod_status_ready", truth(one.Status == wanted), "condition", strings.ToLower(wanted))
				}
			}
		}
		for _, one := range each.Spec.Containers {
			for resource, amount := range one.Resources.Requests {
				own("kube_pod_container_resource_requests", quantity(amount),
					"container", one.Name, "resource", resource, "unit", unit(resource))
			}
			for resource, amount := range one.Resources.Limits {
				own("kube_pod_container_resource_limits", quantity(amount),
					"container", one.Name, "resource", resource, "unit", unit(resource))
			}
		}
		for _, one := range each.Status.ContainerStatuses {
			own("kube_pod_container_status_restarts_total", one.RestartCount, "container", one.Name)
			own("kube_pod_container_status_ready", truth(one.Ready), "container", one.Name)
			if one.State.Waiting != nil {
				own("kube_pod_container_status_waiting_reason", 1, "container", one.Name, "reason", one.State.Waiting.Reason)
			}
			if one.LastState.Terminated != nil {
				own("kube_pod_container_status_last_terminated_reason", 1,
					"container", one.Name, "reason", one.LastState.Terminated.Reason)
			}
		}
	}
	return err
}

func (s *state) deployments(ctx context.Context, told *exposition) error {
	found, err := list[deployment](ctx, s.kube, "/apis/apps/v1/deployments", "")
	for _, each := range found {
		own := told.of("namespace", each.Metadata.Namespace, "deployment", each.Metadata.Name)
		own("kube_deployment_spec_replicas", or(each.Spec.Replicas, 1))
		own("kube_deployment_status_replicas", each.Status.Replicas)
		own("kube_deployment_status_replicas_available", each.Status.Available)
		own("kube_deployment_status_replicas_unavailable", each.Status.Unavailable)
		own("kube_deployment_status_replicas_updated", each.Status.Updated)
	}
	return err
}

func (s *state) autoscalers(ctx context.Context, told *exposition) error {
	found, err := list[autoscaler](ctx, s.kube, "/apis/autoscaling/v2/horizontalpodautoscalers", "")
	for _, each := range found {
		own := told.of("namespace", each.Metadata.Namespace, "horizontalpodautoscaler", each.Metadata.Name)
		own("kube_horizontalpodautoscaler_spec_min_replicas", or(each.Spec.Min, 1))
		own("kube_horizontalpodautoscaler_spec_max_replicas", each.Spec.Max)
		own("kube_horizontalpodautoscaler_status_current_replicas", each.Status.Current)
		own("kube_horizontalpodautoscaler_status_desired_replicas", each.Status.Desired)
	}
	return err
}

func (s *state) quotas(ctx context.Context, told *exposition) error {
	found, err := list[quota](ctx, s.kube, "/api/v1/resourcequotas", "")
	for _, each := range found {
		own := told.of("namespace", each.Metadata.Namespace, "resourcequota", each.Metadata.Name)
		for kind, amounts := range map[string]map[string]string{"hard": each.Status.Hard, "used": each.Status.Used} {
			for resource, amount := range amounts {
				own("kube_resourcequota", quantity(amount), "resource", resource, "type", kind)
			}
		}
	}
	return err
}

func (s *state) nodes(ctx context.Context, told *exposition) error {
	found, err := list[node](ctx, s.kube, "/api/v1/nodes", "")
	for _, each := range found {
		own := told.of("node", each.Metadata.Name)
		own("kube_node_info", 1)
		for _, one := range each.Status.Conditions {
			for _, wanted := range []string{"True", "False", "Unknown"} {
				own("kube_node_status_condition", truth(one.Status == wanted),
					"condition", one.Type, "status", strings.ToLower(wanted))
			}
		}
	}
	return err
}

func (s *state) jobs(ctx context.Context, told *exposition) error {
	found, err := list[job](ctx, s.kube, "/apis/batch/v1/jobs", "")
	for _, each := range found {
		own := told.of("namespace", each.Metadata.Namespace, "job_name", each.Metadata.Name)
		own("kube_job_created", float64(each.Metadata.Created.Unix()))
		own("kube_job_status_failed", each.Status.Failed)
		own("kube_job_status_succeeded", each.Status.Succeeded)
		for _, one := range each.Status.Conditions {
			if one.Type == "Failed" {
				for _, wanted := range []string{"True", "False", "Unknown"} {
					own("kube_job_failed", truth(one.Status == wanted), "condition", strings.ToLower(wanted))
				}
			}
		}
	}
	return err
}

func (s *state) cronJobs(ctx context.Context, told *exposition) error {
	found, err := list[cronJob](ctx, s.kube, "/apis/batch/v1/cronjobs", "")
	for _, each := range found {
		own := told.of("namespace", each.Metadata.Namespace, "cronjob", each.Metadata.Name)
		own("kube_cronjob_created", float64(each.Metadata.Created.Unix()))
		if each.Status.Scheduled != nil {
			own("kube_cronjob_status_last_schedule_time", float64(each.Status.Scheduled.Unix()))
		}
		if each.Status.Successful != nil {
			own("kube_cronjob_status_last_successful_time", float64(each.Status.Successful.Unix()))
		}
	}
	return err
}

// exposition is text in Prometheus' format: https://prometheus.io/docs/instrumenting/exposition_formats/
type exposition struct{ lines []string }

func (e *exposition) of(labels ...string) func(string, float64, ...string) {
	return func(name string, value float64, more ...string) {
		all := append(append([]string{}, labels...), more...)
		pairs := []string{}
		for index := 0; index < len(all); index += 2 {
			pairs = append(pairs, all[index]+"="+strconv.Quote(all[index+1]))
		}
		sort.Strings(pairs)
		e.lines = append(e.lines,
			fmt.Sprintf("%s{%s} %s", name, strings.Join(pairs, ","), strconv.FormatFloat(value, 'g', -1, 64)))
	}
}

var suffixes = []struct {
	suffix string
	factor float64
}{
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"Pi", 1 << 50}, {"Ei", 1 << 60},
	{"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}, {"E", 1e18},
}

// quantity returns a number of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
func quantity(text string) float64 {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return number
	}
	for _, each := range suffixes {
		if rest, ok := strings.CutSuffix(text, each.suffix); ok {
			number, _ := strconv.ParseFloat(rest, 64)
			return number * each.factor
		}
	}
	return 0
}

func unit(resource string) string {
	if resource == "cpu" {
		return "core"
	}
	return "byte"
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func or(given *float64, usual float64) float64 {
	if given == nil {
		return usual
	}
	return *given
}
