"use client";

import type { Cart } from "../lib/cart.mjs";
import { MAX_QUANTITY, quantityOf } from "../lib/cart.mjs";
import type { Dish, Menu } from "../lib/menu.mjs";
import { byCategory, formatPrice } from "../lib/menu.mjs";
import { DishArt } from "./DishArt";

type Props = { menu: Menu; cart: Cart; onAdd: (dish: Dish) => void };

/** Today's dishes, by category. */
export function MenuSection({ menu, cart, onAdd }: Props) {
  return (
    <>
      {byCategory(menu).map(({ category, dishes }) => (
        <section key={category} aria-label={category}>
          <h3 className="category">{category}</h3>
          <ul className="dishes">
            {dishes.map((dish) => (
              <DishCard
                key={dish.id}
                dish={dish}
                price={formatPrice(dish.price_cents, menu.currency)}
                chosen={quantityOf(cart, dish.id)}
                onAdd={() => onAdd(dish)}
              />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

type CardProps = { dish: Dish; price: string; chosen: number; onAdd: () => void };

function DishCard({ dish, price, chosen, onAdd }: CardProps) {
  return (
    <li className="dish" data-testid="menu-item" data-dish={dish.id}>
      <div className="dish-picture">
        <DishArt art={dish.art} />
        {chosen > 0 && <span className="badge">{chosen} in your order</span>}
      </div>
      <div className="dish-text">
        <h4>{dish.name}</h4>
        <p>{dish.description}</p>
      </div>
      <div className="dish-buy">
        <span className="price">{price}</span>
        <button
          type="button"
          className="add"
          data-testid="add-to-cart"
          aria-label={`Add ${dish.name}, ${price}`}
          disabled={chosen >= MAX_QUANTITY}
          onClick={onAdd}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 2v12M2 8h12" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" />
          </svg>
          Add
        </button>
      </div>
    </li>
  );
}

/** Grey cards in the menu's shape, while the first answer is on its way. */
export function MenuSkeleton() {
  return (
    <ul className="dishes" aria-hidden="true">
      {Array.from({ length: 6 }, (_, index) => (
        <li className="dish ghost" key={index}>
          <div className="dish-picture" />
          <div className="dish-text">
            <span />
            <span />
          </div>
        </li>
      ))}
    </ul>
  );
}
