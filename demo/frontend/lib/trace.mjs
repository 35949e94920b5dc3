// The trace that this page came in: the edge's, which start.cjs passes on. What the page asks for goes on with it.

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** @returns {readonly { name: string, description: string }[]} what the server said about the page's own request */
function told() {
  const [page] = performance.getEntriesByType("navigation");
  return /** @type {PerformanceNavigationTiming | undefined} */ (page)?.serverTiming ?? [];
}

/** @param {readonly { name: string, description: string }[]} [timing] @returns {Record<string, string>} headers of a request */
export function traced(timing = told()) {
  const found = timing.find((each) => each.name === "traceparent")?.description ?? "";
  return TRACEPARENT.test(found) ? { traceparent: found } : {};
}

/** @param {readonly { name: string, description: string }[]} [timing] @returns {string} what finds logs and trace; may be empty */
export function reference(timing = told()) {
  return TRACEPARENT.exec(traced(timing).traceparent ?? "")?.[1] ?? "";
}
