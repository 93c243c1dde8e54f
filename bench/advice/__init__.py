"""Whether advice comes true: simulations of template recommendations and of delivery advice, with rivals."""
