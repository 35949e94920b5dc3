/** Next calls this once, when its server starts. Without an endpoint nothing of OpenTelemetry is loaded. */
export async function register() {
  // Written out in full, the build knows it, and leaves the import out of what runs elsewhere than in Node.
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_SDK_DISABLED } = process.env;
  if (!OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_SDK_DISABLED === "true") return;
  if (OTEL_EXPORTER_OTLP_PROTOCOL && OTEL_EXPORTER_OTLP_PROTOCOL !== "http/protobuf") return;
  await import("./lib/tracing.mjs");
}
