# RFC 5228 2.4.2.3: an address with a name, a comment, blanks or brackets is the address; Japanese carriers' dots (RFC 5322 4.4 has them).
redirect "Carol Smith <carol@example.net>";
redirect "dave@example.net (Dave)";
redirect " more @ example.com ";
redirect "<a@b.example>";
