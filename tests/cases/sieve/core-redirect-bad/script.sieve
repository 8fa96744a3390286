# RFC 5228 4.2: the argument is one address; what is none is seen before any mail comes.
redirect "not an address";
redirect "";
redirect "foo";
redirect "Name <a@example.org>";
redirect "a@b@c d";
