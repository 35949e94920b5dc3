"""Values of settings and of the objects made from them: names, quantities, addresses, images. Pure."""
