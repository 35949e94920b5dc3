"use client";

import { useState } from "react";

import type { Cart } from "../lib/cart.mjs";
import { MAX_QUANTITY, quantityOf } from "../lib/cart.mjs";
import type { Dish, Menu } from "../lib/menu.mjs";
import { categories, formatPrice } from "../lib/menu.mjs";
import { DishArt } from "./DishArt";

type Props = { menu: Menu; cart: Cart; onAdd: (dish: Dish) => void };

/** Today's dishes: all of them, or those of one category. */
export function MenuSection({ menu, cart, onAdd }: Props) {
  const [chosen, setChosen] = useState<string | null>(null);
  const all = categories(menu);
  // A category may leave the menu while it is chosen.
  const category = chosen !== null && all.includes(chosen) ? chosen : null;
  const dishes = menu.items.filter((dish) => category === null || dish.category === category);
  return (
    <>
      <div className="chips" role="group" aria-label="Show">
        {[null, ...all].map((each) => (
          <button key={each ?? ""} type="button" aria-pressed={each === category} onClick={() => setChosen(each)}>
            {each ?? "Everything"}
          </button>
        ))}
      </div>
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
    </>
  );
}

type CardProps = { dish: Dish; price: string; chosen: number; onAdd: () => void };

function DishCard({ dish, price, chosen, onAdd }: CardProps) {
  return (
    <li className="dish" data-testid="menu-item" data-dish={dish.id}>
      <div className="dish-picture">
        <DishArt art={dish.art} />
        {chosen > 0 && (
          <span className="badge">
            {chosen} <span>in your order</span>
          </span>
        )}
      </div>
      <div className="dish-text">
        <span className="category">{dish.category}</span>
        <h3>{dish.name}</h3>
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
