# LIBSIEVE 2.1: words need a boundary.
iftrue { discard; }
