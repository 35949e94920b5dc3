"use client";

import type { FormEvent } from "react";

import type { Cart } from "../lib/cart.mjs";
import { MAX_NAME, MAX_NOTE, MAX_QUANTITY, countDishes, totalCents } from "../lib/cart.mjs";
import type { Menu } from "../lib/menu.mjs";
import { formatPrice } from "../lib/menu.mjs";

type Props = {
  menu: Menu | null;
  cart: Cart;
  busy: boolean;
  problem: string | null;
  onQuantity: (id: string, quantity: number) => void;
  onDetails: (details: { name?: string; note?: string }) => void;
  onPlace: () => void;
};

/** What was chosen, what it costs, and the button that orders it. */
export function CartPanel({ menu, cart, busy, problem, onQuantity, onDetails, onPlace }: Props) {
  const count = countDishes(cart);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onPlace();
  };
  return (
    <section className="cart" id="cart" aria-labelledby="cart-title" data-testid="cart">
      <h2 id="cart-title" tabIndex={-1}>
        Your order
      </h2>
      {!menu || count === 0 ? (
        <p className="cart-empty">Nothing here yet. Add a dish and it shows up in this place.</p>
      ) : (
        <form onSubmit={submit}>
          <CartLines menu={menu} cart={cart} busy={busy} onQuantity={onQuantity} />
          <label>
            Your name
            <input
              name="name"
              autoComplete="given-name"
              placeholder="Guest"
              maxLength={MAX_NAME}
              value={cart.name}
              disabled={busy}
              onChange={(event) => onDetails({ name: event.target.value })}
            />
          </label>
          <label>
            A note for the kitchen <span className="optional">(optional)</span>
            <input
              name="note"
              autoComplete="off"
              maxLength={MAX_NOTE}
              value={cart.note}
              disabled={busy}
              onChange={(event) => onDetails({ note: event.target.value })}
            />
          </label>
          <p className="total">
            <span>Total</span>
            <strong aria-live="polite">{formatPrice(totalCents(cart, menu), menu.currency)}</strong>
          </p>
          <button className="button place" type="submit" data-testid="place-order" aria-disabled={busy}>
            {busy ? "Sending your order…" : problem ? "Try again" : "Place order"}
          </button>
        </form>
      )}
      <div role="alert">{problem && <p className="problem">{problem}</p>}</div>
    </section>
  );
}

type LinesProps = { menu: Menu; cart: Cart; busy: boolean; onQuantity: (id: string, quantity: number) => void };

function CartLines({ menu, cart, busy, onQuantity }: LinesProps) {
  const dishes = new Map(menu.items.map((dish) => [dish.id, dish]));
  return (
    <ul className="lines">
      {cart.lines.map(({ id, quantity }) => {
        const dish = dishes.get(id);
        if (!dish) return null;
        return (
          <li key={id}>
            <span className="line-name">{dish.name}</span>
            <span className="line-price">{formatPrice(dish.price_cents * quantity, menu.currency)}</span>
            <span className="stepper" role="group" aria-label={`Quantity of ${dish.name}`}>
              <button
                type="button"
                disabled={busy}
                aria-label={quantity === 1 ? `Remove ${dish.name}` : `One ${dish.name} less`}
                onClick={() => onQuantity(id, quantity - 1)}
              >
                −
              </button>
              <output>{quantity}</output>
              <button
                type="button"
                disabled={busy || quantity >= MAX_QUANTITY}
                aria-label={`One ${dish.name} more`}
                onClick={() => onQuantity(id, quantity + 1)}
              >
                +
              </button>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
