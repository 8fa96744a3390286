# filters/libsieve/FAULTS B9b: a redirect to no address becomes "stop". Ours is an error.
redirect "not an address";
discard;
