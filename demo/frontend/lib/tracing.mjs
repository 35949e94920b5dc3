// Spans of the page's server, by OpenTelemetry's own variables. Next makes them; here is where they go.

import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector } from "@opentelemetry/resources";
import { AlwaysOffSampler, BatchSpanProcessor, NodeTracerProvider, ParentBasedSampler } from "@opentelemetry/sdk-trace-node";

/** Attributes in which Next writes what a visitor has typed behind the question mark. */
const TYPED = ["http.target", "http.url", "url.full", "url.query"];

/** Leaves out of a span what a visitor has typed. */
export class Untyped {
  /** @param {import("@opentelemetry/sdk-trace-node").SpanProcessor} next */
  constructor(next) {
    this.next = next;
  }
  /** @type {import("@opentelemetry/sdk-trace-node").SpanProcessor["onStart"]} */
  onStart(span, context) {
    this.next.onStart(span, context);
  }
  /** @type {import("@opentelemetry/sdk-trace-node").SpanProcessor["onEnd"]} */
  onEnd(span) {
    for (const name of TYPED) delete span.attributes[name];
    this.next.onEnd(span);
  }
  forceFlush() {
    return this.next.forceFlush();
  }
  shutdown() {
    return this.next.shutdown();
  }
}

// The kubelet's probes have no caller, and are no trace; what comes through the edge has one.
const sampler = process.env.OTEL_TRACES_SAMPLER ? undefined : new ParentBasedSampler({ root: new AlwaysOffSampler() });
// Who looks for a trace has just seen its page: spans are gathered for a second, not for the SDK's five.
const gathered = { scheduledDelayMillis: Number(process.env.OTEL_BSP_SCHEDULE_DELAY || 1000) };
const provider = new NodeTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  ...(sampler && { sampler }),
  spanProcessors: [new Untyped(new BatchSpanProcessor(new OTLPTraceExporter(), gathered))],
});
provider.register();
process.once("SIGTERM", () => void provider.forceFlush().catch(() => {}));
