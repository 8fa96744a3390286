# RFC 5228 4.2: the argument is one address; what is none is seen before any mail comes.
redirect "not an address";
redirect "";
redirect "foo";
redirect "a@b@c d";
redirect "a@example.org, b@example.org";
redirect "friends: a@example.org;";
redirect "<>";
redirect "-f@example.org";
