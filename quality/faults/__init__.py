"""Good dubs with one fault planted each, and what the gate says of them."""
