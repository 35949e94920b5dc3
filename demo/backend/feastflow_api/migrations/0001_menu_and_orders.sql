-- Money is whole cents. Orders copy names and prices, so that a later change of the menu does not reach them.
CREATE TABLE menu_items (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    name        text NOT NULL,
    description text NOT NULL,
    category    text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents > 0),
    art         text NOT NULL,
    position    integer NOT NULL,
    available   boolean NOT NULL DEFAULT true
);

CREATE SEQUENCE order_numbers START 1001;

CREATE TABLE orders (
    id              uuid PRIMARY KEY,
    number          text NOT NULL UNIQUE DEFAULT 'FF-' || nextval('order_numbers'),
    idempotency_key text NOT NULL UNIQUE,
    fingerprint     text NOT NULL,
    customer_name   text NOT NULL,
    note            text NOT NULL,
    status          text NOT NULL DEFAULT 'received',
    total_cents     integer NOT NULL CHECK (total_cents > 0),
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_items (
    order_id         uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position         integer NOT NULL,
    menu_item_id     text NOT NULL REFERENCES menu_items (id),
    name             text NOT NULL,
    quantity         integer NOT NULL CHECK (quantity > 0),
    unit_price_cents integer NOT NULL CHECK (unit_price_cents > 0),
    PRIMARY KEY (order_id, position)
);
