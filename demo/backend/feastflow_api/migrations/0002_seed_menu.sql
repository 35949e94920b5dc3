-- The first menu. DO NOTHING: a dish that somebody already put there keeps its price.
INSERT INTO menu_items (id, name, description, category, price_cents, art, position) VALUES
    ('tomato-soup',      'Roasted tomato soup',  'Slow-roasted plum tomatoes, basil oil, a corner of sourdough.',      'Starters', 650,  'soup',   10),
    ('spring-rolls',     'Crisp spring rolls',   'Glass noodles, carrot and mint, with a lime and chilli dip.',        'Starters', 720,  'rolls',  20),
    ('margherita',       'Pizza Margherita',     'San Marzano tomatoes, fior di latte, basil, a blistered crust.',     'Mains',    1290, 'pizza',  30),
    ('smash-burger',     'Smash burger',         'Two thin patties, sharp cheddar, pickles, house sauce, potato bun.', 'Mains',    1390, 'burger', 40),
    ('salmon-bowl',      'Salmon rice bowl',     'Cured salmon, avocado, edamame, pickled ginger, sesame rice.',       'Mains',    1560, 'bowl',   50),
    ('mushroom-ramen',   'Mushroom ramen',       'Shiitake broth, hand-pulled noodles, soft egg, spring onion.',       'Mains',    1420, 'ramen',  60),
    ('green-curry',      'Green curry',          'Coconut, Thai basil, aubergine and green beans, jasmine rice.',      'Mains',    1350, 'curry',  70),
    ('garden-salad',     'Garden salad',         'Little gem, radish, peas, toasted seeds, lemon dressing.',           'Sides',    790,  'salad',  80),
    ('rosemary-fries',   'Rosemary fries',       'Twice-cooked, sea salt, garlic mayonnaise.',                         'Sides',    520,  'fries',  90),
    ('lemon-tart',       'Lemon tart',           'Sharp lemon curd under a burnt sugar lid.',                          'Desserts', 680,  'tart',   100),
    ('chocolate-mousse', 'Chocolate mousse',     'Dark chocolate, olive oil, a few flakes of salt.',                   'Desserts', 640,  'mousse', 110),
    ('ginger-lemonade',  'Ginger lemonade',      'Pressed lemon, fresh ginger, a long pour of soda.',                  'Drinks',   420,  'drink',  120)
ON CONFLICT (id) DO NOTHING;
