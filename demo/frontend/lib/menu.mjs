// The menu as this page trusts it: checked when it comes from the API, and again when it comes from the browser's cache.

/**
 * @typedef {{ id: string, name: string, description: string, category: string, price_cents: number, art: string }} Dish
 * @typedef {{ currency: string, items: Dish[] }} Menu
 * @typedef {{ menu: Menu, savedAt: number }} SavedMenu  `savedAt` is in milliseconds since 1970
 * @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store
 */

export const MENU_KEY = "feastflow.menu.1";

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @returns {value is Dish} */
function isDish(value) {
  if (!isObject(value)) return false;
  const texts = ["id", "name", "description", "category", "art"];
  if (!texts.every((key) => typeof value[key] === "string") || value.id === "") return false;
  return Number.isSafeInteger(value.price_cents) && Number(value.price_cents) > 0;
}

/**
 * The menu in an answer, or null where it is none: a proxy's error page with status 200 must not replace a good menu.
 *
 * @param {unknown} data @returns {Menu | null}
 */
export function parseMenu(data) {
  if (!isObject(data) || !Array.isArray(data.items) || !data.items.every(isDish)) return null;
  if (typeof data.currency !== "string" || !/^[A-Z]{3}$/.test(data.currency)) return null;
  return { currency: data.currency, items: data.items };
}

/**
 * Keep the menu for when the API is away. Not being able to is no error: the page then works without.
 *
 * @param {Store} store @param {Menu} menu @param {number} now
 */
export function saveMenu(store, menu, now) {
  try {
    store.setItem(MENU_KEY, JSON.stringify({ menu, savedAt: now }));
  } catch {
    // Storage is full or forbidden (private windows).
  }
}

/**
 * The kept menu, or null where there is none or it is damaged.
 *
 * @param {Store} store @returns {SavedMenu | null}
 */
export function loadMenu(store) {
  try {
    const saved = JSON.parse(store.getItem(MENU_KEY) ?? "null");
    const menu = isObject(saved) ? parseMenu(saved.menu) : null;
    return menu && typeof saved.savedAt === "number" ? { menu, savedAt: saved.savedAt } : null;
  } catch {
    return null;
  }
}

/**
 * The menu's categories, in the order in which they first occur.
 *
 * @param {Menu} menu
 */
export function categories(menu) {
  return [...new Set(menu.items.map((dish) => dish.category))];
}

/** @param {number} cents @param {string} currency */
export function formatPrice(cents, currency) {
  return new Intl.NumberFormat("en-US", { style: "currency", currency }).format(cents / 100);
}
