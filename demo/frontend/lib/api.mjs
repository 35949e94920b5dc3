// Calls to /api on the page's own host, each ending in a plain value: no exception leaves this module.

import { isObject, parseMenu } from "./menu.mjs";
import { traced } from "./trace.mjs";

/**
 * @typedef {{ number: string, receipt: string }} Placed
 * @typedef {{ number: string, status: string, customer_name: string, total_cents: number,
 *   items: { name: string, quantity: number, unit_price_cents: number }[] }} Order
 * @typedef {{ kind: "placed", order: Order, receipt: string }
 *   | { kind: "unreachable" }
 *   | { kind: "changed" }
 *   | { kind: "refused", message: string }} Outcome
 */

const TIMEOUT_MS = 8000;
/** Waits before a second and a third attempt, in milliseconds: repeating is safe, since the key stays the same. */
const RETRY_AFTER_MS = [400, 1200];
/** What the API, or an edge that cannot reach it, answers while there is no use in asking. */
const AWAY = new Set([408, 425, 429, 500, 502, 503, 504]);

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Status and JSON of an answer; null where there was none in time.
 *
 * @param {string} path @param {RequestInit} [init] @param {typeof fetch} [fetcher]
 * @returns {Promise<{ status: number, data: unknown } | null>}
 */
async function call(path, init = {}, fetcher = fetch) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    const headers = { ...init.headers, ...traced() };
    const answer = await fetcher(path, { ...init, headers, cache: "no-store", signal: abort.signal });
    const data = await answer.json().catch(() => null);
    return { status: answer.status, data };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {typeof fetch} [fetcher] @returns {Promise<import("./menu.mjs").Menu | null>} null while the API is away */
export async function fetchMenu(fetcher = fetch) {
  const answer = await call("/api/menu", {}, fetcher);
  return answer?.status === 200 ? parseMenu(answer.data) : null;
}

/** @param {unknown} data @returns {Order | null} */
function parseOrder(data) {
  if (!isObject(data) || typeof data.number !== "string" || typeof data.status !== "string") return null;
  if (typeof data.total_cents !== "number" || !Array.isArray(data.items)) return null;
  return /** @type {Order} */ (/** @type {unknown} */ (data));
}

/**
 * Order a cart. Attempts that failed on the way are repeated under the same key, which makes them one order.
 *
 * @param {object} body @param {string} key @param {typeof fetch} [fetcher] @param {(ms: number) => Promise<unknown>} [sleep]
 * @returns {Promise<Outcome>}
 */
export async function placeOrder(body, key, fetcher = fetch, sleep = wait) {
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(body),
  };
  let answer = await call("/api/orders", init, fetcher);
  for (const pause of RETRY_AFTER_MS) {
    if (answer && !AWAY.has(answer.status)) break;
    await sleep(pause);
    answer = await call("/api/orders", init, fetcher);
  }
  if (!answer || AWAY.has(answer.status)) return { kind: "unreachable" };
  const data = isObject(answer.data) ? answer.data : {};
  if (answer.status === 201) {
    const order = parseOrder(data);
    return order && typeof data.receipt === "string"
      ? { kind: "placed", order, receipt: data.receipt }
      : { kind: "unreachable" };
  }
  const error = isObject(data.error) ? data.error : {};
  if (error.code === "price_changed" || error.code === "not_on_menu") return { kind: "changed" };
  return { kind: "refused", message: typeof error.message === "string" ? error.message : "the order was refused" };
}

/**
 * An order placed earlier; "gone" where its receipt opens nothing any more, null while the API is away.
 *
 * @param {Placed} placed @param {typeof fetch} [fetcher] @returns {Promise<Order | "gone" | null>}
 */
export async function fetchOrder(placed, fetcher = fetch) {
  const path = `/api/orders/${encodeURIComponent(placed.number)}`;
  const answer = await call(path, { headers: { Authorization: `Bearer ${placed.receipt}` } }, fetcher);
  if (!answer || AWAY.has(answer.status)) return null;
  return (answer.status === 200 && parseOrder(answer.data)) || "gone";
}
