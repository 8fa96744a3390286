# filters/libsieve/FAULTS language: words need a boundary.
iftrue { discard; }
