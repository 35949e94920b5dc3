package main

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// Attributes of spans and of their events that name a person or a person's device, and are deleted before anything is
// stored: https://opentelemetry.io/docs/specs/semconv/registry/attributes/. Upstream's processor for this needs a module
// that is not served.
var ofPersons = map[string]bool{
	"client.address": true, "client.port": true, "network.peer.address": true, "network.peer.port": true,
	"net.peer.ip": true, "net.peer.port": true, "net.sock.peer.addr": true, "http.client_ip": true,
	"user_agent.original": true, "http.user_agent": true, "url.query": true, "http.target": true,
	"enduser.id": true, "user.name": true, "user.email": true, "user.full_name": true,
}

func unnamed() processor.Factory {
	return processor.NewFactory(
		component.MustNewType("unnamed"),
		func() component.Config { return &struct{}{} },
		processor.WithTraces(newUnnamed, component.StabilityLevelStable),
	)
}

func newUnnamed(
	ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces,
) (processor.Traces, error) {
	mutates := processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true})
	return processorhelper.NewTraces(ctx, set, cfg, next, forget, mutates)
}

func forget(_ context.Context, traces ptrace.Traces) (ptrace.Traces, error) {
	for _, resource := range traces.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				withoutPersons(span.Attributes())
				for _, event := range span.Events().All() {
					withoutPersons(event.Attributes())
				}
			}
		}
	}
	return traces, nil
}

func withoutPersons(attributes pcommon.Map) {
	attributes.RemoveIf(func(key string, _ pcommon.Value) bool { return ofPersons[key] })
}
