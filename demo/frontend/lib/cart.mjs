// The cart: pure functions from cart to cart. Every change of what would be ordered makes a new idempotency key, so that
// sending one cart twice is one order, and sending two carts is two.

import { isObject } from "./menu.mjs";

/**
 * @typedef {{ id: string, quantity: number }} CartLine
 * @typedef {{ lines: CartLine[], name: string, note: string, key: string }} Cart
 */

export const CART_KEY = "feastflow.cart.1";
/** The API's limits. */
export const MAX_QUANTITY = 20;
export const MAX_LINES = 30;
export const MAX_NAME = 80;
export const MAX_NOTE = 300;

/**
 * A random key. Not crypto.randomUUID, which browsers offer on https and localhost only.
 *
 * @param {(bytes: Uint8Array) => Uint8Array} [fill]
 */
export function newKey(fill = (bytes) => crypto.getRandomValues(bytes)) {
  return [...fill(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {() => string} [key] @returns {Cart} */
export function emptyCart(key = newKey) {
  return { lines: [], name: "", note: "", key: key() };
}

/**
 * The cart with so many of the dish; none takes it out. Quantities beyond the API's limit are cut to it.
 *
 * @param {Cart} cart @param {string} id @param {number} quantity @param {() => string} [key] @returns {Cart}
 */
export function setQuantity(cart, id, quantity, key = newKey) {
  const wanted = Math.max(0, Math.min(MAX_QUANTITY, Math.trunc(quantity)));
  const present = cart.lines.some((line) => line.id === id);
  if (!present && (wanted === 0 || cart.lines.length >= MAX_LINES)) return cart;
  const lines = present
    ? cart.lines.map((line) => (line.id === id ? { id, quantity: wanted } : line)).filter((line) => line.quantity > 0)
    : [...cart.lines, { id, quantity: wanted }];
  return { ...cart, lines, key: key() };
}

/** @param {Cart} cart @param {string} id */
export function quantityOf(cart, id) {
  return cart.lines.find((line) => line.id === id)?.quantity ?? 0;
}

/**
 * The cart with another name or note.
 *
 * @param {Cart} cart @param {{ name?: string, note?: string }} details @param {() => string} [key] @returns {Cart}
 */
export function setDetails(cart, details, key = newKey) {
  return { ...cart, ...details, key: key() };
}

/**
 * The cart without dishes that are no longer on the menu.
 *
 * @param {Cart} cart @param {{ items: { id: string }[] }} menu @param {() => string} [key] @returns {Cart}
 */
export function keepAvailable(cart, menu, key = newKey) {
  const known = new Set(menu.items.map((dish) => dish.id));
  const lines = cart.lines.filter((line) => known.has(line.id));
  return lines.length === cart.lines.length ? cart : { ...cart, lines, key: key() };
}

/** @param {Cart} cart */
export function countDishes(cart) {
  return cart.lines.reduce((sum, line) => sum + line.quantity, 0);
}

/**
 * What the cart costs, in whole cents. Dishes that the menu lacks cost nothing: they cannot be ordered either.
 *
 * @param {Cart} cart @param {{ items: { id: string, price_cents: number }[] }} menu
 */
export function totalCents(cart, menu) {
  const prices = new Map(menu.items.map((dish) => [dish.id, dish.price_cents]));
  return cart.lines.reduce((sum, line) => sum + line.quantity * (prices.get(line.id) ?? 0), 0);
}

/**
 * The body of the request that orders this cart.
 *
 * @param {Cart} cart @param {{ items: { id: string, price_cents: number }[] }} menu
 */
export function orderBody(cart, menu) {
  return {
    items: cart.lines.map((line) => ({ menu_item_id: line.id, quantity: line.quantity })),
    customer_name: cart.name.trim(),
    note: cart.note.trim(),
    expected_total_cents: totalCents(cart, menu),
  };
}

/** @param {unknown} value @returns {value is CartLine} */
function isLine(value) {
  if (!isObject(value) || typeof value.id !== "string" || value.id === "") return false;
  const quantity = value.quantity;
  return Number.isInteger(quantity) && Number(quantity) >= 1 && Number(quantity) <= MAX_QUANTITY;
}

/**
 * The kept cart with its key, so that a reload between two attempts is still one order; an empty one where none is kept.
 *
 * @param {import("./menu.mjs").Store} store @param {() => string} [key] @returns {Cart}
 */
export function loadCart(store, key = newKey) {
  try {
    const saved = JSON.parse(store.getItem(CART_KEY) ?? "null");
    if (!isObject(saved) || !Array.isArray(saved.lines) || !saved.lines.every(isLine)) return emptyCart(key);
    if (new Set(saved.lines.map((line) => line.id)).size !== saved.lines.length) return emptyCart(key);
    if (typeof saved.key !== "string" || !/^[0-9a-f]{32}$/.test(saved.key)) return emptyCart(key);
    const text = (/** @type {unknown} */ raw, /** @type {number} */ longest) =>
      typeof raw === "string" ? raw.slice(0, longest) : "";
    return {
      lines: saved.lines,
      name: text(saved.name, MAX_NAME),
      note: text(saved.note, MAX_NOTE),
      key: saved.key,
    };
  } catch {
    return emptyCart(key);
  }
}

/** @param {import("./menu.mjs").Store} store @param {Cart} cart */
export function saveCart(store, cart) {
  try {
    store.setItem(CART_KEY, JSON.stringify(cart));
  } catch {
    // Storage is full or forbidden: the cart then lives as long as the page.
  }
}
